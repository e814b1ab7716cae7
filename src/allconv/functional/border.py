"""Borders that continue the image: mirrored, repeated or wrapped round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allconv.errors import ArgumentError
from allconv.functional.call import apply
from allconv.operators.arrange import Concatenate, Slice
from allconv.operators.reduce import Broadcast

MODES = ("reflect", "replicate", "circular")
Pairs = tuple[tuple[int, int], ...]


def check_border(shape: Sequence[int], ends: Sequence[tuple[int, int]], mode: str) -> None:
    """Refuse more padding than the image can continue to, and a crop of all there is."""
    for n, (low, high) in zip(shape, ends, strict=True):
        if low + n + high < 1 and n:
            raise ArgumentError(f"padding ({low}, {high}) leaves nothing of an axis of {n}")
        left = n + min(low, 0) + min(high, 0)
        most = {"reflect": n - 1, "circular": left}.get(mode, max(low, high) if n else 0)
        if max(low, high) > max(most, 0):
            raise ArgumentError(
                f'padding ({low}, {high}) of an axis of {n}: "{mode}" continues it by at most '
                f"{max(most, 0)} cells each side"
            )


def bordered(x: Any, ends: Pairs, mode: str) -> Any:
    """An array continued by (low, high) cells an axis; negative numbers crop.

    Cell i of the result is cell i - low of the image continued without end ("circular" crops first
    and continues what is left, as PyTorch does):
    "reflect"    2 1 | 0 1 2 3 | 2 1     the cell at the edge is not repeated
    "replicate"  0 0 | 0 1 2 3 | 3 3
    "circular"   2 3 | 0 1 2 3 | 0 1
    """
    for axis, (low, high) in enumerate(ends):
        if low or high:
            x = _along(x, axis, low, high, mode)
    return x


def _along(x: Any, axis: int, low: int, high: int, mode: str) -> Any:
    """One axis continued, then cropped."""
    if mode == "circular" and min(low, high) < 0:
        n = x.shape[axis] + min(low, 0) + min(high, 0)
        x, low, high = _cut(x, axis, max(-low, 0), 1, n), max(low, 0), max(high, 0)
    n = x.shape[axis]
    before, after = max(low, 0), max(high, 0)
    if mode == "reflect":
        parts = [_cut(x, axis, before, -1, before), x, _cut(x, axis, n - 2, -1, after)]
    elif mode == "circular":
        parts = [_cut(x, axis, n - before, 1, before), x, _cut(x, axis, 0, 1, after)]
    else:
        parts = [_edge(x, axis, 0, before), x, _edge(x, axis, n - 1, after)]
    parts = [part for part in parts if part is not None]
    whole = apply(Concatenate(axis, len(parts)), *parts) if len(parts) > 1 else x
    cropped = whole.shape[axis] + min(low, 0) + min(high, 0)
    if cropped == whole.shape[axis]:
        return whole
    return _cut(whole, axis, max(-low, 0), 1, cropped)


def _cut(x: Any, axis: int, first: int, step: int, count: int) -> Any:
    """Some cells of an axis; None where there are none."""
    if not count:
        return None
    return apply(Slice.along(axis, x.shape, first, count, step), x)


def _edge(x: Any, axis: int, cell: int, count: int) -> Any:
    """One cell of an axis, repeated."""
    if not count:
        return None
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    return apply(Broadcast(shape), _cut(x, axis, cell, 1, 1))
