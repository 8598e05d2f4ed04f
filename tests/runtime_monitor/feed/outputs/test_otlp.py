"""OpenTelemetry logs, read back by opentelemetry-proto's own messages."""

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from runtime_monitor.feed.outputs import otlp
from tests.runtime_monitor import generated
from tests.runtime_monitor.feed.receiver import receiver

ALERTS = [*generated.stream(10), *generated.hostile()]


def test_the_published_messages_read_every_record() -> None:
    """As protobuf maps JSON, unknown fields refused."""
    with receiver() as server:
        settings = otlp.Settings(name="o", url=server.url, attributes={"k8s.cluster.name": "c1"})
        otlp.Otlp(settings, clock=lambda: 7).send(ALERTS)
        (request,) = server.requests
    assert request.path == "/v1/logs"
    message = json_format.Parse(request.body, ExportLogsServiceRequest(), ignore_unknown_fields=False)
    (resource,) = message.resource_logs
    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert attributes == {"service.name": "podseal", "host.name": generated.NODE, "k8s.cluster.name": "c1"}
    records = resource.scope_logs[0].log_records
    assert [record.time_unix_nano for record in records] == [alert.time for alert in ALERTS]
    assert {record.observed_time_unix_nano for record in records} == {7}
    for record, alert in zip(records, ALERTS, strict=True):
        found = {each.key: each.value for each in record.attributes}
        assert found["podseal.alert_id"].string_value == alert.id
        assert found["proc.pid"].int_value == alert.output_fields["proc.pid"]
        assert record.body.string_value == alert.output.encode("utf-8", "replace").decode()
        assert 1 <= record.severity_number <= 24


@pytest.mark.parametrize(
    ("value", "mapped"),
    [
        (True, {"boolValue": True}),
        (5, {"intValue": "5"}),
        (2**64, {"stringValue": str(2**64)}),
        (0.5, {"doubleValue": 0.5}),
        (["a", 1], {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}}),
        ({"k": "v"}, {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}),
    ],
)
def test_values_keep_their_types(value: object, mapped: object) -> None:
    """A number beyond 64 bits is a string."""
    assert otlp._value(value) == mapped


def test_a_path_of_its_own_stays() -> None:
    """Only an address without one gets /v1/logs."""
    with receiver() as server:
        otlp.Settings(name="o", url=f"{server.url}/in/logs").open().send(ALERTS[:1])
        assert server.requests[0].path == "/in/logs"
