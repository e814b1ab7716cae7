"""Settings as users spell them, made one number (or pair) an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, TypeVar

from allconv.errors import ArgumentError, ShapeError
from allconv.intake.refusals import refusal
from allconv.intake.settings import MOST, is_sequence, short_repr, whole
from allconv.window import PADDING_NAMES, Window, named_padding

SPREAD = 2**16  # zeros between cells: each residue is a case of its own when that is planned

REMEMBERED = 1024  # calls
_PLAIN = frozenset({int, str, bool, type(None)})

Sizes = int | Sequence[int]
Padding = int | str | Sequence[int] | Sequence[tuple[int, int]]


R = TypeVar("R")


def remembered(function: Callable[..., R]) -> Callable[..., R]:
    """A function of shapes and settings that is computed once for each: most calls repeat one.

    Settings other than numbers, names and tuples of these are read every time.
    """
    kept = lru_cache(REMEMBERED, typed=True)(function)

    @wraps(function)
    def look_up(*args: Any, **flags: bool) -> R:
        return (kept if all(map(_is_plain, args)) else function)(*args, **flags)

    return look_up


def _is_plain(given: Any) -> bool:
    """Whether equal settings of this type mean the same: True is no 1 within a tuple."""
    kind = type(given)
    return kind in _PLAIN or (kind is tuple and all(type(each) is int for each in given))


def per_axis(
    name: str, given: Any, axes: int, *, least: int | None = 1, most: int = MOST
) -> tuple[int, ...]:
    """One number for all axes, or one an axis."""
    if not is_sequence(given):
        return (whole(name, given, least=least, most=most),) * axes
    if len(given) != axes:
        raise ArgumentError(
            f"{name} is {short_repr(given)}; one number, or {axes} of them, is expected"
        )
    return tuple(whole(name, each, least=least, most=most) for each in given)


def axis_of(name: str, given: Any, rank: int) -> int:
    """The number of an axis, counted from the front."""
    axis = whole(name, given)
    if not -rank <= axis < rank:
        raise ShapeError(f"{name} is {axis}; an axis of the array, which has {rank}, is expected")
    return axis % rank


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
            raise ArgumentError(refusal("causal"))
        return tuple(
            named_padding(given, i, k, stride=s, dilation=d)
            for i, k, s, d in zip(input, kernel, stride, dilation, strict=True)
        )
    if is_sequence(given) and len(given) == axes and all(is_sequence(each) for each in given):
        if any(len(each) != 2 for each in given):
            raise ArgumentError(f"padding is {short_repr(given)}; each pair is (low, high)")
        return tuple((whole("padding", a), whole("padding", b)) for a, b in given)
    if is_sequence(given) and any(is_sequence(each) or isinstance(each, str) for each in given):
        names = ", ".join(f'"{each}"' for each in PADDING_NAMES)
        raise ArgumentError(
            f"padding is {short_repr(given)}; a number, {axes} numbers, {axes} pairs (low, high) "
            f"or one of {names} is expected"
        )
    return tuple((p, p) for p in per_axis("padding", given, axes, least=None))


def window_of(
    input: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
) -> Window:
    """The window of a convolution, from settings as users spell them."""
    axes = len(input)
    s, d = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    ends = pairs(padding, input, kernel, s, d)
    return Window.forward(input, kernel, stride=s, dilation=d, padding=ends)
