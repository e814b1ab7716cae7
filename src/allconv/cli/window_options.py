"""Options of sliding windows: one number for all axes or one an axis, and padding by name."""

from __future__ import annotations

from typing import Any

from allconv.cli.settings import Setting, as_integer

PADDING_NAMES = ("valid", "half", "same", "same_lower", "full", "causal")  # a test compares


class PerAxis(Setting):
    """A whole number, or one an axis with commas between them."""

    name = "integers"
    expected = 'a whole number, or one an axis as in "2,1",'
    metavar = "N|N,N"

    def read(self, text: str) -> int | tuple[int, ...] | None:
        """One number or several; how large they may be functions say."""
        numbers = [as_integer(part) for part in text.lower().replace("x", ",").split(",")]
        whole = tuple(n for n in numbers if n is not None)
        if len(whole) != len(numbers):
            return None
        return whole[0] if len(whole) == 1 else whole


class PaddingSetting(Setting):
    """A name; a number; one an axis "1,0"; or pairs low:high, "1:0" or "1:0,2:2"."""

    name = "padding"
    expected = (
        f'one of {", ".join(PADDING_NAMES)}, a whole number, one an axis as in "1,0", '
        'or low:high an axis as in "1:0,2:2",'
    )
    metavar = "NAME|N|N,N|LOW:HIGH,..."

    def read(self, text: str) -> Any:
        """The padding as functions take it."""
        if text in PADDING_NAMES:
            return text
        parts = [[as_integer(n) for n in part.split(":")] for part in text.split(",")]
        lengths = {len(part) for part in parts}
        if len(lengths) > 1 or max(lengths) > 2 or any(n is None for part in parts for n in part):
            return None
        if lengths == {2}:
            return tuple(tuple(part) for part in parts)
        return parts[0][0] if len(parts) == 1 else tuple(part[0] for part in parts)
