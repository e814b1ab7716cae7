"""Cells moved: those of values of a trace by operators, those of known arrays at once.

What is moved keeps its dtype, so that whole numbers and truth values are moved as floats are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names.call import HeldAsFloats, NodeCall
from allconv.operators.arrange import Concatenate, Slice
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.take import Take
from allconv.value import Value

Cells: TypeAlias = Value | Array | HeldAsFloats


def moved(operator: Operator, *x: Cells) -> Any:
    """An operator that moves cells: recorded, or, of arrays alone, as it is defined."""
    if isinstance(x[0], HeldAsFloats):
        return replace(x[0], value=moved(operator, x[0].value))
    arrays = [each for each in x if isinstance(each, np.ndarray)]
    if len(arrays) < len(x):
        return apply(operator, *x)
    operator.infer(*map(Spec.of, arrays))
    return operator.define(*arrays)[0]


def sliced(x: Cells, rows: Sequence[range]) -> Any:
    """The cells of each axis that are named."""
    begins = tuple(cells.start if len(cells) else 0 for cells in rows)
    steps = tuple(cells.step if len(cells) else 1 for cells in rows)
    return moved(Slice(begins, steps, tuple(map(len, rows))), x)


def part(x: Cells, axis: int, cells: range) -> Any:
    """Some cells of one axis."""
    return sliced(x, [cells if a == axis else range(n) for a, n in enumerate(x.shape)])


def concatenated(x: Sequence[Cells], axis: int) -> Any:
    """Arrays one after the other along an axis."""
    return x[0] if len(x) == 1 else moved(Concatenate(axis, len(x)), *x)


def taken(call: NodeCall, x: Cells, axis: int, index: Array) -> Any:
    """Cells by known numbers; a part of the axis where they are one step apart."""
    if isinstance(x, np.ndarray):
        return np.take(x, index, axis)
    steps = set(np.diff(index).tolist())
    if len(index) and len(steps) <= 1 and steps != {0}:
        step = int(steps.pop()) if steps else 1
        first = int(index[0])
        cells = range(first, first + step * len(index), step)
        return x if cells == range(x.shape[axis]) else part(x, axis, cells)
    return apply(Take(axis), x, call.lift(index))
