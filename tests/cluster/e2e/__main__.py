"""`make guard`: podseal guards the cluster of `make cluster` until Ctrl-C: two replicas, registered as the chart does.

In: the cluster in .cluster. Out: what to try, on standard output; everything is taken away at the end.
Exit codes: 0 ended by a signal, 2 no cluster runs.
"""

import contextlib
import signal
import sys
import tempfile
from pathlib import Path

from tests.cluster import beds, interrupts, layouts
from tests.cluster.e2e import installation

TOUR = """\
podseal guards this cluster: two replicas on the loopback, failurePolicy Fail. In another terminal:
  export KUBECONFIG=$PWD/.cluster/kubeconfig PATH=$PWD/.cluster/bin:$PATH
  kubectl apply -f manifests/examples/refused.yaml        # denied, with the reasons
  kubectl run web --image=podseal.test/library/nginx:1 --image-pull-policy=Never
  kubectl get pod web -o jsonpath='{.spec.containers[0].securityContext}{.spec.volumes}'   # what podseal added
  kubectl exec web -- sh -c 'echo x > /etc/x'             # Read-only file system
  kubectl exec web -- id && kubectl get execsessions       # who reached into which pod
  kubectl label namespace default podseal.dev/exempt.privileged=2027-01-31 --as=labeller   # the guard
  kubectl get exemptions                                  # what can be granted
  kubectl create deployment api --image=shop/api:1         # warned of; its pods are denied
Ctrl-C takes podseal away again."""


def main() -> int:
    """Guard until a signal comes."""
    try:
        bed = beds.attach(layouts.DEFAULT_BED)
    except FileNotFoundError:
        sys.stderr.write("make guard: no cluster runs; start one with make cluster\n")
        return 2
    with (
        contextlib.suppress(KeyboardInterrupt),
        interrupts.raised(),
        tempfile.TemporaryDirectory(prefix="podseal-guard-") as folder,
        installation.install(bed, Path(folder)),
    ):
        sys.stdout.write(f"{TOUR}\n")
        sys.stdout.flush()
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
