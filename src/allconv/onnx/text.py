"""Text from a file as a message may show it."""

from __future__ import annotations

LONGEST = 80


def shown(text: str | bytes) -> str:
    """A name of a file's own, quoted, without control characters and of bounded length.

    What is no UTF-8 comes as bytes from the parser of protobuf.

    >>> shown("weight" + chr(27))
    "'weight\\\\x1b'"
    """
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 3] + "...")


def plain(text: str | bytes) -> str:
    """The same without the quotes."""
    return shown(text)[1:-1]
