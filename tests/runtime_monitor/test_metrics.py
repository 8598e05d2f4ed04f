"""Metrics: every family is there, and a scrape reads the counts of now."""

from prometheus_client import CollectorRegistry

from runtime_monitor import metrics
from runtime_monitor.alerts import Alert, Priority
from tests.runtime_monitor import made


def test_counts_are_read_at_the_scrape() -> None:
    """Not when they change."""
    lost = {"ring_full": 1.0}
    registry = CollectorRegistry()
    registry.register(metrics.Counters(lambda: {"lost": lost}, lambda: {"pods_known": 3}, "tracepoint"))
    assert registry.get_sample_value("podseal_monitor_lost_total", {"kind": "ring_full"}) == 1
    lost["ring_full"] = 2
    assert registry.get_sample_value("podseal_monitor_lost_total", {"kind": "ring_full"}) == 2
    assert registry.get_sample_value("podseal_monitor_pods_known") == 3
    assert registry.get_sample_value("podseal_monitor_waiting_events") == 0
    assert registry.get_sample_value("podseal_monitor_tier", {"tier": "tracepoint"}) == 1


def test_every_family_is_there_before_anything_happens() -> None:
    """An alert on a metric that does not exist never fires."""
    registry = CollectorRegistry()
    registry.register(metrics.Counters(dict, dict, "tracepoint"))
    names = {family.name for family in registry.collect()}
    assert {f"podseal_monitor_{name}" for name in (*metrics.HELP, *metrics.GAUGES)} <= names


def test_latency_is_from_the_kernel_to_the_spool() -> None:
    """In seconds, by the alert's own time."""
    registry = CollectorRegistry()
    latency = metrics.Latency(registry, lambda: 2 * made.SECOND)
    latency.kept([Alert(id="a", time=made.SECOND, rule="r", priority=Priority.NOTICE, output="", output_fields={})])
    assert registry.get_sample_value("podseal_monitor_alert_seconds_sum") == 1
