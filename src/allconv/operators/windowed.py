"""What operators that slide a window share: the window, and which cells meet under it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from allconv.operators.base import Operator
from allconv.window import Window

Index = tuple[Any, ...]  # cells of an array: a tap, or an open mesh as np.ix_ gives it


@dataclass(frozen=True)
class WindowOperator(Operator):
    """An operator over a window."""

    window: Window


def taps(window: Window) -> Iterator[Index]:
    """Every tap of the kernel, in row-major order."""
    return product(*(range(axis.kernel) for axis in window.axes))


def meeting_grids(window: Window, k: Index) -> tuple[Index, Index]:
    """Open meshes (outputs, inputs) of the cells that meet by tap `k`, one vector an axis."""
    pairs = []
    for axis, tap in zip(window.axes, k, strict=True):
        met = [(i, axis.source(i, tap)) for i in range(axis.output)]
        pairs.append([(i, j) for i, j in met if j is not None])
    i = np.ix_(*(np.array([i for i, _ in axis], np.intp) for axis in pairs))
    j = np.ix_(*(np.array([j for _, j in axis], np.intp) for axis in pairs))
    return i, j
