"""Who is it: one file a source (process, container, pod), each Event -> Event. Knows no rule."""
