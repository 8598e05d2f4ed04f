"""The thin client: errors that name place, cause and remedy."""

from pathlib import Path

import pytest

from tests.webhook import fake_apiserver
from tests.webhook.test_namespaces import client
from webhook import apiserver


def test_a_forbidden_request_names_the_remedy() -> None:
    """The API server's text names the missing right; ours says what to do with it."""
    script = fake_apiserver.Script()
    script.status = 403
    with (
        fake_apiserver.serve(script) as address,
        pytest.raises(apiserver.Refused, match="Role or ClusterRole") as caught,
    ):
        client(address).get("/api/v1/namespaces")
    assert caught.value.status == 403


def test_an_absent_server_is_a_refusal_without_status() -> None:
    """Nobody listens there."""
    with pytest.raises(apiserver.Refused, match="cannot reach the API server") as caught:
        client("http://127.0.0.1:1").get("/api/v1/namespaces")
    assert caught.value.status == 0


def test_lines_are_whole_however_the_chunks_fall() -> None:
    """A watch's lines are cut at line ends."""
    script = fake_apiserver.Script()
    for number in range(3):
        script.watch_lines.put({"number": number, "padding": "x" * 70000})
    script.watch_lines.put(fake_apiserver.END)
    with (
        fake_apiserver.serve(script) as address,
        client(address).watch("/api/v1/namespaces", {"watch": "1"}) as lines,
    ):
        found = list(lines)
    assert [line[:12] for line in found] == [b'{"number": %d' % number for number in range(3)]


@pytest.mark.parametrize(("text", "reason"), [(None, "missing"), ("{", "broken"), ("kind: Config", "empty")])
def test_an_unusable_kubeconfig_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    """Missing, broken and empty kubeconfigs give one line with the file's name and the option."""
    path = tmp_path / f"{reason}.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(apiserver.Refused, match=f"{path.name}.*--kubeconfig") as caught:
        apiserver.connect(str(path))
    assert "\n" not in str(caught.value)
