"""Messages through a pipe: a length of four bytes, then as many bytes.

In: bytes of a message, or what has come so far. Out: the frame, or the first whole message. Called by `reload` and by
the process that compiles for it (`compiler`), which imports nothing else.
"""

HEAD = 4
"""Bytes of a length, the most significant first."""


def framed(message: bytes) -> bytes:
    """The message with its length in front."""
    return len(message).to_bytes(HEAD, "big") + message


def take(heard: bytearray) -> bytes | None:
    """The first message of what has come, taken out of it; None while it is not whole."""
    end = HEAD + int.from_bytes(heard[:HEAD], "big")
    if len(heard) < max(end, HEAD):
        return None
    message = bytes(heard[HEAD:end])
    del heard[:end]
    return message
