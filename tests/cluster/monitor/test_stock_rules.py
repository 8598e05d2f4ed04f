"""Falco's stock rules on what a real user does with kubectl: the alerts name the pod and the image."""

from tests import stock_rules
from tests.cluster import manifests
from tests.cluster.monitor.conftest import Shop

pytestmark = stock_rules.needed


def test_they_name_the_pod(shop: Shop) -> None:
    """A shell at a terminal, a search for keys, a program that came by `kubectl cp`."""
    shop.at_a_terminal(f"exec -it {shop.pod} -c main -- sh -c true")
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "find", "/etc", "-name", "id_rsa")
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "cp", "/bin/busybox", "/etc/true")
    shop.kubectl("exec", shop.pod, "-c", "main", "--", "/etc/true")
    for rule, command in (
        ("Terminal shell in container", "sh -c true"),
        ("Search Private Keys or Passwords", "find /etc -name id_rsa"),
        ("Drop and execute new binary in container", "true"),
    ):
        found = shop.told(rule, proc__cmdline=command)
        assert (found["k8s.ns.name"], found["container.name"]) == (shop.namespace, "main")
        assert f"{found['container.image.repository']}:{found['container.image.tag']}" == manifests.BUSYBOX
