"""`python -m tests.cluster up|down`: the test cluster by hand (`make cluster`, `make cluster-down`).

Exit codes: 0 done, 1 the cluster did not start, 2 the machine lacks something, 130 interrupted (and torn down).
"""

import argparse
import pathlib
import sys
import time

from tests.cluster import beds, build, interrupts, layouts, packages, records, requirements, teardown, users

_USAGE = """\
A Kubernetes {version} runs. Use it with:
  export KUBECONFIG={kubeconfig} PATH={executables}:$PATH
  kubectl get nodes
Users with fewer rights ({people}): {users}/NAME.kubeconfig
Images on the node: podseal.test/{{busybox,distroless,nonroot,library/nginx}}:1 (imagePullPolicy: Never)
Logs: {logs}
Tests reuse it with PODSEAL_TEST_CLUSTER={folder}; removed by `{down}`."""


def _up(folder: pathlib.Path) -> None:
    layout = layouts.Layout(folder)
    packages.ensure()
    build.ensure(build.CLUSTER)
    begun = time.monotonic()
    if _runs(folder):
        print("cluster: runs already")
    else:
        _down(folder)
        beds.start(folder, owner=None, progress=lambda text: print(text, flush=True))
        print(f"cluster: ready in {time.monotonic() - begun:.1f} s")
    print(
        _USAGE.format(
            version=build.KUBERNETES_VERSION,
            kubeconfig=layout.kubeconfig,
            executables=layout.executables,
            people=", ".join(user.name for user in users.PEOPLE[1:]),
            users=layout.users,
            logs=layout.logs,
            folder=folder,
            down="make cluster-down"
            if folder == layouts.DEFAULT_BED
            else f"python -m tests.cluster down --folder {folder}",
        )
    )


def _runs(folder: pathlib.Path) -> bool:
    try:
        made = records.load(folder)
    except FileNotFoundError:
        return False
    return set(made.programs) == set(beds.PROGRAMS) and all(process.alive() for process in made.programs.values())


def _down(folder: pathlib.Path) -> None:
    beds.remove_abandoned()
    try:
        made = records.load(folder)
    except FileNotFoundError:
        return
    with interrupts.ignored():
        teardown.remove(made)
    print(f"cluster: removed {folder}")


def main() -> int:
    """Start or remove the cluster."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("--folder", type=pathlib.Path, default=layouts.DEFAULT_BED, help="default: %(default)s")
    options = parser.parse_args()
    folder = options.folder.absolute()
    try:
        with interrupts.raised():
            (_up if options.action == "up" else _down)(folder)
    except requirements.MissingError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 2
    except (TimeoutError, RuntimeError) as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cluster: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
