"""Falco's stock rules on what a real user does with kubectl: the alerts name the pod and the image."""

from tests import stock_rules
from tests.cluster import manifests
from tests.cluster.monitor.conftest import Shop
from tests.kernel.test_stock_rules import TABLE

pytestmark = stock_rules.needed

COMMANDS = {
    "Terminal shell in container": "sh -c true",
    "Search Private Keys or Passwords": "find /etc -name id_rsa",
    "Read sensitive file untrusted": "cat /etc/shadow",
    "Drop and execute new binary in container": "true",
}
"""Rule -> the command line that its alert names."""


def test_they_name_the_pod(shop: Shop) -> None:
    """A shell at a terminal, a search for keys, a look at passwords, a program that the image does not have."""
    shop.at_a_terminal(f"exec -it {shop.pod} -c main -- sh -c true")
    for command in (
        "find /etc -name id_rsa",
        "touch /etc/shadow",
        "cat /etc/shadow",
        "cp /bin/busybox /etc/true",
        "/etc/true",
    ):
        shop.kubectl("exec", shop.pod, "-c", "main", "--", *command.split())
    for rule, command in COMMANDS.items():
        found = shop.told(rule, proc__cmdline=command)
        assert (found["k8s.ns.name"], found["container.name"]) == (shop.namespace, "main")
        assert f"{found['container.image.repository']}:{found['container.image.tag']}" == manifests.BUSYBOX


def test_what_needs_a_cluster_fires(shop: Shop) -> None:
    """The rows of the table that are played in a pod."""
    for row in TABLE:
        if "pod" in row:
            shop.kubectl("exec", shop.pod, "-c", "main", "--", "sh", "-c", row["pod"])
            shop.told(row["rule"], **row["seen"])
