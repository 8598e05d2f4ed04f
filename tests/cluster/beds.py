"""A real one-node Kubernetes on the loopback: start it, attach to it, use it, stop it.

In: a folder. Out: a `Bed`. Called by the fixtures (conftest) and the command line (`python -m tests.cluster`).
Needs root, the Debian packages of packages.py and the binaries of build.py.
"""

import collections.abc
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import time
from typing import Any, Protocol

from tests.cluster import (
    build,
    control_plane,
    credentials,
    images,
    interrupts,
    layouts,
    networks,
    node,
    processes,
    records,
    requirements,
    teardown,
    tunables,
    users,
    waiting,
)

Progress = collections.abc.Callable[[str], None]


class Kubectl(Protocol):
    """How tests call kubectl; see `Bed.kubectl`."""

    def __call__(
        self, user: str, *args: str, stdin: str | None = None, seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run it."""


PROGRAMS: dict[str, collections.abc.Callable[[layouts.Layout, networks.Network], list[str]]] = {
    control_plane.ETCD: control_plane.etcd,
    node.CONTAINERD: node.containerd,
    control_plane.API_SERVER: control_plane.api_server,
    node.RELAY: node.relay,
    control_plane.CONTROLLER_MANAGER: control_plane.controller_manager,
    control_plane.SCHEDULER: control_plane.scheduler,
    node.KUBELET: node.kubelet,
}


@dataclasses.dataclass(frozen=True)
class Bed:
    """A cluster whose programs run; made by `start` or `attach`."""

    layout: layouts.Layout
    network: networks.Network

    def kubectl(
        self, user: str, *args: str, stdin: str | None = None, seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as `user` (a row of users.PEOPLE) and return what came of it, also when it failed."""
        return subprocess.run(
            [self.layout.executables / "kubectl", *args],
            env={
                "PATH": os.environ["PATH"],
                "KUBECONFIG": str(self.layout.kubeconfig_of(user)),
                "KUBECACHEDIR": str(self.layout.users / "cache"),
            },
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def admin(self, *args: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator and return its output.

        Raises:
            RuntimeError: kubectl failed; the text is its last line.
        """
        outcome = self.kubectl(users.ADMIN.name, *args, stdin=stdin)
        if outcome.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(args)}: {outcome.stderr.strip()}")
        return outcome.stdout

    def apply(self, manifest: dict[str, Any]) -> None:
        """Create or change objects as the administrator."""
        self.admin("apply", "--filename=-", stdin=json.dumps(manifest))

    def create_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        """Make a namespace in which the people of users.PEOPLE have their roles, and wait until pods can be created."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}})
        self.apply(users.namespace_objects(name))
        self._await_service_account(name)

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace; its pods end at once, the rest goes in the background."""
        self.admin("delete", "pods", "--all", "--namespace", name, "--grace-period=1", "--wait=false")
        self.admin("delete", "namespace", name, "--wait=false")

    def _await_service_account(self, namespace: str) -> None:
        self.admin("wait", "--for=create", "serviceaccount/default", "--namespace", namespace, "--timeout=60s")

    def import_images(self, archive: pathlib.Path) -> None:
        """Give the node the images of an archive as `docker save` writes it (see images.write)."""
        node.import_images(self.layout, archive)

    def pinned(self, reference: str) -> str:
        """Return `repository@digest` for an image of the node.

        Raises:
            KeyError: the node has no such image.
        """
        return node.pin(reference, node.image_digests(self.layout)[reference])

    def process(self, program: str) -> processes.ProcessId | None:
        """Return the process of a program of PROGRAMS, None when it was not started."""
        return records.load(self.layout.folder).programs.get(program)

    def start_program(self, program: str) -> None:
        """Start a program of PROGRAMS, at the ports it has had before."""
        argv = PROGRAMS[program](self.layout, self.network)
        process = processes.start(argv, self.layout.logs / f"{program}.log", self.layout.folder)
        records.save(records.load(self.layout.folder).with_program(program, process))

    def stop_program(self, program: str) -> None:
        """End a program of PROGRAMS and wait until it is gone."""
        process = self.process(program)
        if process is not None:
            processes.stop(process)

    def start_api_server(self) -> None:
        """Start the API server and wait until it is ready."""
        self.start_program(control_plane.API_SERVER)
        self.await_program(control_plane.API_SERVER, self.api_server_ready)

    def stop_api_server(self) -> None:
        """End the API server as an upgrade would: with SIGTERM, waiting for its end."""
        self.stop_program(control_plane.API_SERVER)

    def api_server_ready(self) -> bool:
        """Say whether the API server calls itself ready."""
        trust = ssl.create_default_context(cafile=credentials.Files(self.layout.keys).authority)
        with contextlib.closing(
            http.client.HTTPSConnection(networks.LOOPBACK, self.network.api_server_port, timeout=5.0, context=trust)
        ) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

    def await_program(self, program: str, condition: collections.abc.Callable[[], bool]) -> None:
        """Wait until `condition` holds, which `program` is to bring about.

        Raises:
            RuntimeError: the program has ended; the text is the last line of its log.
            TimeoutError: it runs, and the condition stays false for a minute.
        """

        def met() -> bool:
            process = self.process(program)
            if process is None or not process.alive():
                raise RuntimeError(f"{program} has ended: {self._last_line(program)}")
            return condition()

        try:
            waiting.until(met, f"{program} to be ready", seconds=60.0)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it said last: {self._last_line(program)}") from None

    def _last_line(self, program: str) -> str:
        log = self.layout.logs / f"{program}.log"
        return (log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]

    def stop(self) -> None:
        """Remove the cluster and everything that it made."""
        with interrupts.ignored():
            teardown.remove(records.load(self.layout.folder))


def check_requirements() -> None:
    """Say what is missing on this machine.

    Raises:
        MissingError: with one line that names the remedy.
    """
    for name in build.CLUSTER:
        build.find(name)
    if processes.foreign(node.KUBELET):
        raise requirements.MissingError(
            "a kubelet runs on this machine: a second one would take over its device plugins and kernel settings;"
            " use a machine that is no Kubernetes node"
        )


def start(folder: pathlib.Path, *, owner: processes.ProcessId | None, progress: Progress = print) -> Bed:
    """Start a cluster in `folder` and wait until pods run there; what fails half-way is torn down.

    `owner` is the process whose death abandons the cluster; None keeps it until it is taken down by hand.

    Raises:
        MissingError: the folder's name is too long for the sockets in it.
        TimeoutError: a program did not become ready; the text names the logs.
    """
    if len(str(folder)) > layouts.LONGEST_FOLDER:
        raise requirements.MissingError(
            f"{folder} is too long for the Unix sockets in it: at most {layouts.LONGEST_FOLDER} characters"
        )
    remove_abandoned()
    running = records.load_all()
    bed = Bed(layouts.Layout(folder), networks.choose())
    # Beside another bed the settings are changed already; what they were before stands in that bed's record.
    before = running[0].tunables if running else tunables.read()
    records.save(records.Record(folder, bed.network.number, owner, before))
    try:
        _start(bed, _timed(progress))
    except BaseException:
        bed.stop()
        raise
    return bed


def attach(folder: pathlib.Path) -> Bed:
    """Return the cluster that runs in `folder`.

    Raises:
        FileNotFoundError: none does.
    """
    return Bed(layouts.Layout(folder), networks.Network(records.load(folder).network))


def remove_abandoned() -> None:
    """Remove the clusters whose owner died before it could."""
    me = processes.identify(os.getpid())
    for found in records.load_all():
        claimed = records.claim(found, me) if found.abandoned else None
        if claimed is not None:
            teardown.remove(claimed)


def _timed(progress: Progress) -> Progress:
    begun = time.monotonic()
    return lambda text: progress(f"[{time.monotonic() - begun:5.1f} s] {text}")


def _start(bed: Bed, progress: Progress) -> None:
    _write_files(bed)
    bed.start_program(control_plane.ETCD)
    bed.start_program(node.CONTAINERD)
    bed.start_program(control_plane.API_SERVER)
    bed.start_program(node.RELAY)
    progress("etcd, containerd and the API server started")
    bed.await_program(node.CONTAINERD, lambda: node.answers(bed.layout))
    archive = bed.layout.node / "images.tar"
    images.write(images.bed_images(build.find("wait")), archive)
    bed.import_images(archive)
    progress("images imported")
    bed.await_program(control_plane.API_SERVER, bed.api_server_ready)
    progress(f"the API server is ready at {bed.network.server}")
    for program in (control_plane.CONTROLLER_MANAGER, control_plane.SCHEDULER, node.KUBELET):
        bed.start_program(program)
    bed.apply(users.cluster_objects())
    progress("users have their rights")
    _await_node(bed)
    progress("the node is ready")
    bed._await_service_account("default")
    progress("pods can be created")


def _write_files(bed: Bed) -> None:
    bed.layout.folder.mkdir(parents=True, exist_ok=True)
    credentials.make(bed.layout, bed.network.server, networks.KUBERNETES_SERVICE)
    bed.layout.etcd.mkdir(mode=0o700)
    bed.layout.executables.mkdir()
    for name in build.CLUSTER:
        (bed.layout.executables / name).symlink_to(build.find(name))
    bed.layout.node.mkdir(mode=0o700)
    node.configure(bed.layout, bed.network)


def _await_node(bed: Bed) -> None:
    bed.admin("wait", "--for=create", f"node/{layouts.NODE_NAME}", "--timeout=60s")
    # The kubelet refuses to report a loopback address, and keeps one that it finds: without it no exec, cp or logs.
    addresses = [{"type": "Hostname", "address": "localhost"}, {"type": "InternalIP", "address": networks.LOOPBACK}]
    patch = json.dumps({"status": {"addresses": addresses}})
    bed.admin("patch", "node", layouts.NODE_NAME, "--subresource=status", f"--patch={patch}")
    bed.admin("wait", "--for=condition=Ready", f"node/{layouts.NODE_NAME}", "--timeout=60s")
    # Ready is not enough: the controller-manager takes the not-ready taint off a moment later.
    bed.await_program(
        control_plane.CONTROLLER_MANAGER,
        lambda: not bed.admin("get", "node", layouts.NODE_NAME, "--output=jsonpath={.spec.taints}"),
    )
