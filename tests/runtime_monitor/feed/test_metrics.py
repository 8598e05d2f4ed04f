"""What the feed counts."""

from runtime_monitor.feed.metrics import Metrics


def test_counters_are_rendered_for_prometheus() -> None:
    """Each feed has counters of its own."""
    metrics = Metrics()
    metrics.delivered.labels("siem").inc(3)
    metrics.held_back.labels("siem", "rate").inc()
    text = metrics.render().decode()
    assert 'podseal_feed_delivered_total{output="siem"} 3.0' in text
    assert 'podseal_feed_held_back_total{output="siem",reason="rate"} 1.0' in text
    assert "siem" not in Metrics().render().decode()
