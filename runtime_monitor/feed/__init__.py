"""The feed: the process beside the sensor that reads the spool and brings its alerts to people.

`settings` reads the configuration; `delivery` gives each of `outputs/` a thread and a position of its own; `http/`
serves the API, the stream and the page. It has no right to write the spool: positions are in a database of its own
(`cursors`).
"""
