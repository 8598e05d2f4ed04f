"""What several tests of `check` need: rules at a fixed time, a run over bytes, one row to vary."""

from datetime import UTC, datetime
from typing import Any

from webhook.check import files, judge, model, run
from webhook.policy import catalogue
from webhook.policy import model as policy_model

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

POD = b"""\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: nginx
      securityContext:
        privileged: true
"""

ROW = model.Row(
    control="privileged",
    mode="deny",
    file="deploy/web.yaml",
    line=11,
    column=9,
    kind="Pod",
    namespace="shop",
    name="web",
    container="web",
    path="spec.containers[0].securityContext.privileged",
    seen="true",
    allowed="false or unset",
    message="Pod/shop/web, container web: spec.containers[0].securityContext.privileged is true.",
    fix="remove privileged",
)


def rules(**changes: Any) -> judge.Rules:  # noqa: ANN401 -- any field of Rules
    """Rules without catalogue and labels, but for the changes."""
    given: dict[str, Any] = {"defaults": policy_model.Defaults(), "catalogue": catalogue.EMPTY, "now": NOW}
    return judge.Rules(**(given | changes))


def check(data: bytes, **changes: Any) -> model.Report:  # noqa: ANN401 -- any field of Rules
    """What a run says of these bytes on standard input."""
    request = run.Request((files.STDIN,), files.Source("<stdin>", data), rules(**changes))
    return run.run(request, lambda _done, _total: None)


def places(report: model.Report) -> list[str]:
    """Each finding as line, column, mode, control and container."""
    return [f"{row.line}:{row.column} {row.mode} {row.control} {row.container}".rstrip() for row in report.rows]
