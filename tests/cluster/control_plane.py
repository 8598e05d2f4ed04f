"""The command lines of etcd, API server, controller-manager and scheduler.

In: a bed's layout and network. Out: argv for each program. Called by bed, which starts and restarts them.
"""

import pathlib

from tests.cluster import build, credentials, layouts, networks, users

ETCD = "etcd"
API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"


def etcd(layout: layouts.Layout, network: networks.Network) -> list[str]:
    """Return etcd's argv: one member that never waits for the disk, as its data lives as long as the bed."""
    clients = f"http://{networks.LOOPBACK}:{network.etcd_port}"
    peers = f"http://{networks.LOOPBACK}:{network.etcd_peer_port}"
    return [
        "/usr/bin/etcd",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
    ]


def api_server(layout: layouts.Layout, network: networks.Network) -> list[str]:
    """Return the API server's argv."""
    files = credentials.Files(layout.keys)
    return [
        _built(API_SERVER),
        f"--etcd-servers=http://{networks.LOOPBACK}:{network.etcd_port}",
        f"--secure-port={network.api_server_port}",
        f"--bind-address={networks.LOOPBACK}",
        f"--advertise-address={networks.LOOPBACK}",
        # A loopback address is refused as an endpoint of the Service `kubernetes`.
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={files.certificate('server')}",
        f"--tls-private-key-file={files.key('server')}",
        f"--kubelet-certificate-authority={files.authority}",
        f"--kubelet-client-certificate={files.certificate('kubelet-client')}",
        f"--kubelet-client-key={files.key('kubelet-client')}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--token-auth-file={files.tokens}",
        "--authorization-mode=Node,RBAC",
        f"--service-account-key-file={files.service_accounts}",
        f"--service-account-signing-key-file={files.service_accounts}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={networks.SERVICE_SUBNET}",
        "--allow-privileged=true",
        # Webhooks behind a Service are then called at their pods' addresses: no kube-proxy routes cluster IPs here.
        "--enable-aggregator-routing=true",
        # Without it a stop waits a minute for the watches that kubelet and controllers hold.
        "--shutdown-watch-termination-grace-period=1s",
    ]


def controller_manager(layout: layouts.Layout, network: networks.Network) -> list[str]:
    """Return the controller-manager's argv; it also makes ServiceAccounts and publishes the root CA."""
    del network
    files = credentials.Files(layout.keys)
    return [
        _built(CONTROLLER_MANAGER),
        f"--kubeconfig={layout.kubeconfig_of(users.CONTROLLER_MANAGER.name)}",
        f"--service-account-private-key-file={files.service_accounts}",
        f"--root-ca-file={files.authority}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
        f"--flex-volume-plugin-dir={layout.node / 'volume-plugins'}",
        "--node-monitor-period=1s",  # a new node loses its not-ready taint at the next look
    ]


def scheduler(layout: layouts.Layout, network: networks.Network) -> list[str]:
    """Return the scheduler's argv."""
    del network
    return [
        _built(SCHEDULER),
        f"--kubeconfig={layout.kubeconfig_of(users.SCHEDULER.name)}",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def _built(name: str) -> str:
    return str(pathlib.Path(build.find(name)))
