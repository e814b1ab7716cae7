"""Ways to pack what a unit reads into a band; of these a correlation takes the fastest.

A band may hold all that the windows of adjacent cells reach over. Where that is mostly met by no
tap, as between the taps of a dilated window, it holds for each tap what that meets (`apart`), or
units are made of those cells whose taps meet the same rows: a dilation apart, they walk over such
rows as windows do that are not dilated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import gcd

from allconv.engine.kernels.four_axes import AxisPhases


def packings(axes: tuple[AxisPhases, ...], *, close: bool) -> Iterator[tuple[AxisPhases, ...]]:
    """The four axes in every way to pack the last two, the plain one first; whether channels of the
    source lie `close` together."""
    rows = *_rows(axes[2]), *_classes(axes[2])
    for row, column in product(rows, _columns(axes[3], close=close)):
        yield (*axes[:2], row, column)


def packings_by_tap(
    axes: tuple[AxisPhases, ...], *, close: bool
) -> Iterator[tuple[AxisPhases, ...]]:
    """The same of units that have one tap of the first two axes, and one of the third where each
    has cells of its own."""
    outer = tuple(map(_of_one_tap, axes[:2]))
    for row, column in product(_rows(axes[2]), _columns(axes[3], close=close)):
        yield (*outer, _of_one_tap(row) if row.apart else row, column)


def _of_one_tap(axis: AxisPhases) -> AxisPhases:
    single = (replace(phase, tap_count=min(phase.tap_count, 1)) for phase in axis.phases)
    return replace(axis, phases=tuple(single))


def _rows(axis: AxisPhases) -> Iterator[AxisPhases]:
    """Together, at the pace at which rows are met, and apart."""
    yield replace(axis, pace=_pace(axis))
    if _has_gaps(axis):
        yield replace(axis, pace=axis.common.stride, apart=True)


def _classes(axis: AxisPhases) -> Iterator[AxisPhases]:
    """Split into classes of cells whose taps meet the same rows."""
    dilation, pace = axis.common.dilation, _pace(axis)
    if _has_gaps(axis) and dilation > pace:
        classes = (phase.split(dilation // pace) for phase in axis.phases)
        yield AxisPhases(tuple(each for phases in classes for each in phases), pace=dilation)


def _columns(axis: AxisPhases, *, close: bool) -> Iterator[AxisPhases]:
    """A row is read as it lies, unless every pixel is copied by itself."""
    stride = axis.common.stride
    yield replace(axis, pace=_pace(axis)) if close and axis.taps < 2 else axis
    if _has_gaps(axis) and (close or stride == 1):
        yield replace(axis, pace=stride, apart=True)


def _pace(axis: AxisPhases) -> int:
    """How far cells that are met lie apart at least."""
    stride = max(axis.common.stride, 1)
    return gcd(stride, axis.common.dilation) if axis.taps > 1 else stride


def _has_gaps(axis: AxisPhases) -> bool:
    """Whether some of what adjacent windows reach over is met by no tap."""
    stride, dilation = axis.common.stride, axis.common.dilation
    return axis.taps > 1 and stride > 0 and (dilation > 1 or stride > axis.taps)
