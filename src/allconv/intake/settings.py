"""One setting as users spell it: a number, a flag, a name, a shape; all else is refused by name.

Nothing here calls a method of what is given before its type is known, and what a message tells of
it is short, however large or deep it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from numbers import Real
from reprlib import Repr
from typing import Any

import numpy as np

from allconv.errors import ArgumentError
from allconv.intake.limits import MOST_AXES, check_axes, check_size

MOST = 2**31 - 1
MOST_NUMBERS = 2**20  # of one setting
DIGITS = 128  # bits above which a whole number is told by its size
LETTERS = 120  # of what was given, in a message


class _Short(Repr):
    """What was given, in a few words."""

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() <= DIGITS:
            return repr(x)
        return f"{'-' * (x < 0)}10**{int(x.bit_length() * 0.30103)} (about)"

    def repr_ndarray(self, x: np.ndarray[Any, Any], level: int) -> str:
        return repr(x) if x.size <= self.maxlist else f"an array of {x.dtype} {x.shape}"


_short = _Short()
_short.maxlevel, _short.maxlist, _short.maxtuple, _short.maxdict = 4, 8, 8, 4
_short.maxstring, _short.maxother = LETTERS, LETTERS


def short_repr(given: Any) -> str:
    """What was given, for a message: its `repr` in one short line, or its type where it has none.

    >>> short_repr("same"), short_repr(10**400), short_repr([[[[[[0]]]]]])
    ("'same'", '10**400 (about)', '[[[[[...]]]]]')
    """
    try:
        text = " ".join(_short.repr(given).split())
    except Exception:  # what a class of the user's does when it is asked
        return f"a {type(given).__name__}"
    return text if len(text) <= 2 * LETTERS else f"{text[:LETTERS]}..."


def is_whole(n: Any) -> bool:
    """Whether something is a whole number, of Python or NumPy; a boolean is none."""
    return isinstance(n, int | np.integer) and not isinstance(n, bool)


def is_sequence(given: Any) -> bool:
    """Whether a setting is several numbers, and not more than anybody would name."""
    if isinstance(given, np.ndarray):
        return 0 < given.ndim <= MOST_AXES
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        return False
    try:
        return len(given) <= MOST_NUMBERS
    except Exception:  # range(10**30), or a class of the user's
        return False


def whole(name: str, given: Any, *, least: int | None = None, most: int = MOST) -> int:
    """One whole number; booleans, fractions and numbers out of range are refused."""
    given = _item(given)
    if not is_whole(given):
        raise ArgumentError(f"{name} is {short_repr(given)}; a whole number is expected")
    n = int(given)
    if abs(n) > most:
        raise ArgumentError(f"{name} is {short_repr(n)}; at most {most} is possible")
    if least is not None and n < least:
        raise ArgumentError(f"{name} is {short_repr(n)}; it must be at least {least}")
    return n


def number(
    name: str, given: Any, expected: str = "a number", fits: Callable[[float], bool] = isfinite
) -> float:
    """One real number that `fits`, as a float; booleans, text and what no float can hold are
    refused."""
    given = _item(given)
    try:
        n = float(given) if isinstance(given, Real) and not isinstance(given, bool) else None
    except Exception:  # too large, or a class of the user's
        n = None
    if n is None or not fits(n):
        raise ArgumentError(f"{name} is {short_repr(given)}; {expected} is expected")
    return n


def _item(given: Any) -> Any:
    """What an array without axes holds; else what is given."""
    return given[()] if isinstance(given, np.ndarray) and not given.ndim else given


def flag(name: str, given: Any) -> bool:
    """True or False, and nothing that only counts as such."""
    if not isinstance(given, bool | np.bool_):
        raise ArgumentError(f"{name} is {short_repr(given)}; True or False is expected")
    return bool(given)


def choice(name: str, given: Any, names: Sequence[str]) -> str:
    """One of some names."""
    if not isinstance(given, str) or given not in names:
        listed = ", ".join(f'"{each}"' for each in names)
        raise ArgumentError(f"{name} is {short_repr(given)}; one of {listed} is expected")
    return str(given)


def float_dtype(name: str, given: Any) -> str:
    """The name of float32 or float64, from a name, a NumPy type or a dtype."""
    try:
        dtype = None if given is None else np.dtype(given)
    except Exception:  # NumPy asks the object for a dtype
        dtype = None
    if dtype is None or dtype.name not in ("float32", "float64"):
        shown = short_repr(given) if dtype is None else dtype.name
        raise ArgumentError(f"{name} is {shown}; float32 or float64 is expected")
    return str(dtype.name)


def shape_of(name: str, given: Any) -> tuple[int, ...]:
    """A shape as users give it, (1, 3, 8, 8) say; anything else is refused by name.

    >>> shape_of("input_shape", [1, 3, 8, 8])
    (1, 3, 8, 8)
    """
    if is_sequence(given):
        check_axes(name, len(given))
    sizes: list[Any] = list(given) if is_sequence(given) else [None]
    if not all(is_whole(n) and n >= 0 for n in sizes):
        raise ArgumentError(
            f"{name} is {short_repr(given)}; a whole number for every axis, batch included, "
            "is expected: (1, 1, 4, 4), say"
        )
    shape = tuple(int(n) for n in sizes)
    check_size(name, shape)
    return shape
