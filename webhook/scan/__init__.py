"""`podseal scan`: what runs in a cluster, judged as the webhook would judge its creation.

pages (lists of the API server) -> pods (and their owners) -> judge (the policy core) -> walk (one result a namespace)
-> gather, preflight, waivers -> tables and JSON, or policyreports. rbac -> grants is a second, shorter path.
Only `pages`, `rbac` and `policyreports` talk to the API server; `webhook.commands.scan` is the one caller.
"""
