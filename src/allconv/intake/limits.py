"""What is refused for its size: axes, cells, memory, depth."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod

from allconv.errors import Error, LimitError

MOST_WINDOW_AXES = 3
"""Axes over which a window with kernels of machine code slides."""

MOST_AXES = 32  # NumPy broadcasts no more
MOST_CELLS = 2**59  # of 8 bytes each: addresses have 62 bits


def check_axes(name: str, count: int, most: int = MOST_AXES) -> None:
    """Refuse an array of too many axes."""
    if count > most:
        raise LimitError(f"{name} has {count} axes; at most {most} are supported")


def check_size(name: str, shape: Sequence[int]) -> None:
    """Refuse a shape that no array can have, the empty axes left out as NumPy does."""
    check_axes(name, len(shape))
    if prod(n for n in shape if n) > MOST_CELLS:
        sizes = ", ".join(str(n) if n < 2**64 else "over 2**64" for n in shape)
        raise LimitError(f"{name} is ({sizes}), more cells than have addresses; use smaller sizes")


@contextmanager
def within_limits(name: str) -> Iterator[None]:
    """Say by an error of ours that there was not memory, or depth, enough for what `name` does."""
    try:
        yield
    except Exception as error:
        reached = limit_reached(name, error)
        if reached is None:
            raise
        raise reached from error


def limit_reached(name: str, error: Exception) -> LimitError | None:
    """The error of ours for one of Python's or NumPy's that speaks of a limit; else None."""
    if isinstance(error, Error):
        return None
    if isinstance(error, RecursionError):
        return LimitError(
            f"{name} is nested too deeply, or inside itself: Python follows at most "
            f"{sys.getrecursionlimit()} calls (sys.setrecursionlimit)"
        )
    # NumPy says of sizes beyond its integers that a maximum is exceeded.
    beyond = isinstance(error, ValueError) and "maximum" in str(error).lower()
    if beyond or isinstance(error, MemoryError | OverflowError):
        return LimitError(f"{name} needs more memory than there is: {error}")
    return None
