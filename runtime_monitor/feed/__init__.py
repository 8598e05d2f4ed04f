"""The second process: reads the spool and brings alerts to where people look."""
