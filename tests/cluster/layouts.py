"""Where everything of a bed lies: one folder, with nothing of the bed outside it but what teardown removes.

In: the bed's folder. Out: paths. Read by every module that starts or removes a part.
"""

import dataclasses
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_BED = REPOSITORY / ".cluster"
NODE_NAME = "node1"

# sockaddr_un holds 108 bytes; the longest socket below a bed's folder is containerd's ttrpc one.
_LONGEST_SOCKET = len("/node/containerd/containerd.sock.ttrpc")
LONGEST_FOLDER = 107 - _LONGEST_SOCKET


@dataclasses.dataclass(frozen=True)
class Layout:
    """The paths below one bed's folder."""

    folder: pathlib.Path

    @property
    def kubeconfig(self) -> pathlib.Path:
        """The administrator's kubeconfig, for people."""
        return self.folder / "kubeconfig"

    @property
    def executables(self) -> pathlib.Path:
        """Links to the built binaries."""
        return self.folder / "bin"

    @property
    def logs(self) -> pathlib.Path:
        """One file for each program."""
        return self.folder / "logs"

    @property
    def keys(self) -> pathlib.Path:
        """Certificate authority, certificates, keys and tokens."""
        return self.folder / "keys"

    @property
    def users(self) -> pathlib.Path:
        """A kubeconfig for each user and each component."""
        return self.folder / "users"

    @property
    def etcd(self) -> pathlib.Path:
        """The data of etcd."""
        return self.folder / "etcd"

    @property
    def node(self) -> pathlib.Path:
        """What containerd, kubelet and the network plugins keep."""
        return self.folder / "node"

    @property
    def containerd_socket(self) -> pathlib.Path:
        """Where containerd listens."""
        return self.node / "containerd" / "containerd.sock"

    @property
    def containerd_state(self) -> pathlib.Path:
        """The state of containerd: the bundles of running containers and the network namespaces' mounts."""
        return self.node / "containerd" / "state"

    @property
    def bundles(self) -> pathlib.Path:
        """One folder for each running container, named by its id, with its config.json."""
        return self.containerd_state / "io.containerd.runtime.v2.task" / "k8s.io"

    @property
    def relay_socket(self) -> pathlib.Path:
        """Where the relay of the Service `kubernetes` takes listening sockets."""
        return self.node / "relay.sock"

    def kubeconfig_of(self, user: str) -> pathlib.Path:
        """Return the kubeconfig of one user."""
        return self.users / f"{user}.kubeconfig"

    def parts(self) -> list[pathlib.Path]:
        """Return every entry that a bed makes in its folder."""
        return [
            self.kubeconfig,
            self.executables,
            self.logs,
            self.keys,
            self.users,
            self.etcd,
            self.node,
        ]
