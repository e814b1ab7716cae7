"""Text from a file as a message may show it."""

from __future__ import annotations

from allconv.text import printable

LONGEST = 80
LONGEST_REASON = 400


def shown(text: str | bytes) -> str:
    """A name of a file's own, quoted, without control characters and of bounded length.

    What is no UTF-8 comes as bytes from the parser of protobuf.

    >>> shown("weight" + chr(27))
    "'weight\\\\x1b'"
    """
    return f"'{plain(text)}'"


def plain(text: str | bytes) -> str:
    """The same without the quotes."""
    return printable(text, LONGEST)


def reason(text: object) -> str:
    """Why something is refused, where numbers of the file's own may make it any length."""
    return printable(str(text), LONGEST_REASON)
