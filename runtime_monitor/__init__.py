"""The node monitor: kernel events -> enriched Events -> alerts -> spool, and the feed that reads the spool."""
