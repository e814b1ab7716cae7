"""Where a value lies in memory: a storage, an offset, and a stride in bytes for every axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np

from allconv.operators.base import Spec

ALIGNMENT = 64


@cache
def item_size(dtype: str) -> int:
    """Bytes of an element of a dtype, by name."""
    return int(np.dtype(dtype).itemsize)


@dataclass(eq=False, slots=True)
class Storage:
    """A block of memory. Its address is known when the program runs.

    `kind` is "input" (`number`-th array of a call), "output" (a fresh array), "constant" (kept with
    the plan) or "arena" (between steps; kept, where static inputs alone decide what it holds).
    """

    kind: str
    bytes: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A value's storage, offset in bytes, and strides in bytes of its logical axes."""

    storage: Storage
    spec: Spec
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def item(self) -> int:
        """Bytes of an element."""
        return item_size(self.spec.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The logical shape."""
        return self.spec.shape

    def has(self, layout: str) -> bool:
        """Whether the value is contiguous as "rows" (row-major) or "last" (channels last)."""
        wanted = layout_strides(self.spec, layout)
        pairs = zip(self.shape, self.strides, wanted, strict=True)
        return all(n == 1 or stride == want for n, stride, want in pairs)

    @property
    def is_last(self) -> bool:
        """Whether channels follow each other and pixels lie apart: "last", or a part of such."""
        if self.has("last"):
            return True
        pixels = [s for n, s in zip(self.shape[2:], self.strides[2:], strict=True) if n > 1]
        close = self.spec.rank > 2 and self.strides[1] == self.item and self.shape[1] > 1
        return close and all(step >= self.shape[1] * self.item for step in pixels)

    def viewed(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> Place:
        """The same memory seen with another shape and strides."""
        return Place(self.storage, self.spec.with_shape(shape), strides, self.offset + offset)


def layout_strides(spec: Spec, layout: str) -> tuple[int, ...]:
    """Strides in bytes of a contiguous array: "rows" is row-major, "last" has axis 1 innermost."""
    order = list(range(spec.rank))
    if layout == "last" and spec.rank > 2:
        order.append(order.pop(1))
    strides = [0] * spec.rank
    step = item_size(spec.dtype)
    for axis in reversed(order):
        strides[axis] = step
        step *= spec.shape[axis]
    return tuple(strides)


def reshaped_strides(place: Place, to: tuple[int, ...]) -> tuple[int, ...] | None:
    """Strides under which the same memory has another shape, or None where it must be copied."""
    if place.spec.size == 0:
        return layout_strides(place.spec.with_shape(to), "rows")
    runs: list[tuple[int, int]] = []  # (size, stride) of axes that are contiguous together
    for n, stride in zip(place.shape, place.strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * stride:
            runs[-1] = (runs[-1][0] * n, stride)
        else:
            runs.append((n, stride))
    strides: list[int] = []
    left = list(reversed(runs))
    size, step = left.pop() if left else (1, place.item)
    rest = size
    for n in to:
        if n == 1:
            strides.append(step * rest)
            continue
        if rest == 1 and left:
            size, step = left.pop()
            rest = size
        if rest % n:
            return None
        rest //= n
        strides.append(step * rest)
    return tuple(strides) if rest == 1 and not left else None


def collapse(
    shape: tuple[int, ...], strides: tuple[tuple[int, ...], ...]
) -> list[tuple[int, tuple[int, ...]]]:
    """Axes (size, stride in each operand), outer first by the first operand, merged where they can.

    >>> collapse((2, 3, 4), ((48, 16, 4), (0, 0, 4)))
    [(6, (16, 0)), (4, (4, 4))]
    """
    axes = [
        (n, tuple(operand[axis] for operand in strides)) for axis, n in enumerate(shape) if n != 1
    ]
    axes.sort(key=lambda axis: axis[1], reverse=True)
    merged: list[tuple[int, tuple[int, ...]]] = []
    for n, steps in axes:
        if merged and merged[-1][1] == tuple(n * step for step in steps):
            merged[-1] = (merged[-1][0] * n, steps)
        else:
            merged.append((n, steps))
    return merged or [(1, tuple(4 for _ in strides))]


def size_in_bytes(spec: Spec) -> int:
    """Bytes of a contiguous array."""
    return prod(spec.shape) * item_size(spec.dtype)
