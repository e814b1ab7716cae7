"""Settings as users spell them, made one number (or pair) an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from allconv.errors import ArgumentError
from allconv.operators.base import is_whole
from allconv.window import PADDING_NAMES, named_padding

MOST = 2**31 - 1
SPREAD = 2**16  # zeros between cells: each residue is a case of its own when that is planned

Sizes = int | Sequence[int]
Padding = int | str | Sequence[int] | Sequence[tuple[int, int]]


def whole(name: str, given: Any, *, least: int | None = None, most: int = MOST) -> int:
    """One whole number; booleans, fractions and numbers out of range are refused."""
    if isinstance(given, np.ndarray) and not given.shape:
        given = given[()]
    if not is_whole(given):
        raise ArgumentError(f"{name} is {given!r}; a whole number is wanted")
    if abs(int(given)) > most:
        raise ArgumentError(f"{name} is {given}; at most {most} is possible")
    if least is not None and given < least:
        raise ArgumentError(f"{name} is {given}; it must be at least {least}")
    return int(given)


def flag(name: str, given: Any) -> bool:
    """True or False, and nothing that only counts as such."""
    if not isinstance(given, bool | np.bool_):
        raise ArgumentError(f"{name} is {given!r}; True or False is wanted")
    return bool(given)


def is_sequence(given: Any) -> bool:
    """Whether a setting is several numbers."""
    if isinstance(given, np.ndarray):
        return given.ndim > 0
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)


def per_axis(
    name: str, given: Any, axes: int, *, least: int | None = 1, most: int = MOST
) -> tuple[int, ...]:
    """One number for all axes, or one an axis."""
    if not is_sequence(given):
        return (whole(name, given, least=least, most=most),) * axes
    if len(given) != axes:
        raise ArgumentError(f"{name} is {given!r}; one number, or {axes} of them, is wanted")
    return tuple(whole(name, each, least=least, most=most) for each in given)


def pairs(
    given: Any,
    input: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """Padding as (low, high) an axis: from a number, one an axis, pairs, or a name."""
    axes = len(kernel)
    if isinstance(given, str):
        if given == "causal" and axes != 1:
            raise ArgumentError('padding="causal" is for one axis; give pairs (low, high)')
        return tuple(
            named_padding(given, i, k, stride=s, dilation=d)
            for i, k, s, d in zip(input, kernel, stride, dilation, strict=True)
        )
    if is_sequence(given) and len(given) == axes and all(is_sequence(each) for each in given):
        if any(len(each) != 2 for each in given):
            raise ArgumentError(f"padding is {given!r}; each pair is (low, high)")
        return tuple((whole("padding", a), whole("padding", b)) for a, b in given)
    if is_sequence(given) and any(is_sequence(each) or isinstance(each, str) for each in given):
        names = ", ".join(f'"{each}"' for each in PADDING_NAMES)
        raise ArgumentError(
            f"padding is {given!r}; a number, {axes} numbers, {axes} pairs (low, high) "
            f"or one of {names} is wanted"
        )
    return tuple((p, p) for p in per_axis("padding", given, axes, least=None))
