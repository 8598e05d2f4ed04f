"""What an output is."""

import pytest

from runtime_monitor.feed import output, outputs


def test_every_output_is_found_under_its_modules_name() -> None:
    """The tag in its settings is the `type` of the configuration."""
    expected = {"alertmanager", "file", "http", "kubernetes_event", "nats", "otlp", "program", "stdout", "syslog"}
    assert set(outputs.KINDS) == expected
    for name, settings in outputs.KINDS.items():
        assert issubclass(settings, output.Settings)
        assert settings.__struct_config__.tag == name


def test_an_error_may_ask_for_a_pause() -> None:
    """None without a wish."""
    assert output.UnavailableError("x").after is None
    assert output.UnavailableError("x", 3.0).after == 3.0


def test_the_base_opens_nothing() -> None:
    """Each output says how."""
    with pytest.raises(NotImplementedError):
        output.Settings(name="x").open()
