"""Texts with a few changes: parts cut out, repeated, exchanged, and pieces of a language put in."""

from collections.abc import Sequence

from hypothesis import strategies as st


@st.composite
def altered(draw: st.DrawFn, texts: Sequence[str], pieces: Sequence[str]) -> str:
    """One of the texts with one to five changes."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        put = draw(st.sampled_from(pieces) | st.text(max_size=5) | st.just(text[start:end] * 3))
        text = text[:start] + put + text[end:]
    return text
