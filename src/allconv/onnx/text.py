"""Text from a file as a message may show it."""

from __future__ import annotations

LONGEST = 80


def shown(text: str) -> str:
    """A name of a file's own, quoted, without control characters and of bounded length.

    >>> shown("weight" + chr(27))
    "'weight\\\\x1b'"
    """
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 3] + "...")


def plain(text: str) -> str:
    """The same without the quotes."""
    return shown(text)[1:-1]
