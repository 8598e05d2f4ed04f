"""The spool: a durable, bounded log of alerts between the sensor, which writes it, and the feed, which only reads it.

One SQLite file in WAL mode. `schema` makes and migrates it, `writer` appends, `reader` reads without any right to
write, `tail` tells what a damaged write-ahead log lost, `salvage` saves what can be read of a damaged file.
"""
