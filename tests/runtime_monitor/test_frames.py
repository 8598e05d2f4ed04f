"""Messages through a pipe."""

from hypothesis import given
from hypothesis import strategies as st

from runtime_monitor import frames


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50))
def test_messages_come_whole_and_in_order(messages: list[bytes], chunk: int) -> None:
    """However the bytes arrive."""
    sent = b"".join(map(frames.framed, messages))
    heard, taken = bytearray(), []
    for start in range(0, len(sent), chunk):
        heard += sent[start : start + chunk]
        while (message := frames.take(heard)) is not None:
            taken.append(message)
    assert taken == messages
    assert not heard


def test_a_length_alone_is_no_message() -> None:
    """Nor is nothing."""
    assert frames.take(bytearray()) is None
    assert frames.take(bytearray(b"\0\0\0\1")) is None
