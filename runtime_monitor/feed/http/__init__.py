"""What the feed serves: `app` answers questions, `stream` pushes alerts, `page/` shows both, `server` runs them.

`guard` stands before all of it and says who may read.
"""
