"""`podseal check`: manifests in, reports out, with the decisions of the webhook and the place of each in its file.

files -> documents (YAML or JSON, composed) -> objects (kinds that hold pods) -> judge (the policy core) -> reports.
Only `files`, `run` and the reports' writer touch the file system; `webhook.commands.check` is the one caller.
"""
