"""The feed beyond one machine: a replicated stream of NATS JetStream between the nodes and those who read for all.

`client` keeps a connection; `publisher` is what the output `nats` does with it, `reading` and `mirror` what the
cluster's feed does; `stream` makes the stream, `permissions` says who may do what. `settings` alone is imported by
feeds that use none of this: the NATS client costs a quarter of a second and 20 MiB.
"""
