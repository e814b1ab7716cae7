"""Every product of the one form, written out: which cells of x, w and y meet.

    T(x, w, y) = sum over n, g, o, c and all j, k, i with b*j + p = s*i + d*k
                 of  x[n, g, c, j] * w[g, o, c, k] * y[n, g, o, i]

Nothing but the window is asked, so that matrices made of these terms judge the operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from allconv.analysis.meetings import AxisMeetings
from allconv.errors import LimitError
from allconv.window import Window

Cells = NDArray[np.int64]

MOST_TERMS = 2**26
"""Terms that are written out at most: three arrays of 512 MB."""


@dataclass(frozen=True, eq=False)
class WindowTerms:
    """For every term the cell of x, of w and of y, each as a place in the flattened array.

    Terms stand in the order of y, and of the taps within a cell of y.

    >>> terms = window_terms(Window.forward((4,), (3,)))
    >>> terms.y.tolist(), terms.w.tolist(), terms.x.tolist()
    ([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [0, 1, 2, 1, 2, 3])
    """

    x: Cells
    w: Cells
    y: Cells


def window_terms(
    window: Window,
    *,
    batch: int = 1,
    in_channels: int = 1,
    out_channels: int = 1,
    groups: int = 1,
    local: bool = False,
) -> WindowTerms:
    """The terms of a convolution; of a locally connected layer when `local`.

    Shapes: x (N, C, *I), w (O, C/groups, *K) or (O, C/groups, *K, *P), y (N, O, *P).
    LimitError above `MOST_TERMS` terms.
    """
    c, o = in_channels // groups, out_channels // groups
    met = [np.array(list(AxisMeetings(axis)), np.int64).reshape(-1, 3) for axis in window.axes]
    count = batch * groups * o * c * prod(len(axis) for axis in met)
    if count > MOST_TERMS:
        raise LimitError(
            f"the matrix has {count:,} entries; at most {MOST_TERMS:,} are written out: "
            "use a smaller input"
        )
    inputs, taps, outputs = prod(window.input), prod(window.kernel), prod(window.output)
    cells = taps * outputs if local else taps
    # The steps of each index in the flattened x, w and y; outputs first, so that they are in order.
    terms = _Outer()
    terms.add(batch, in_channels * inputs, 0, out_channels * outputs)
    terms.add(groups, c * inputs, o * c * cells, o * outputs)
    terms.add(o, 0, c * cells, outputs)
    terms.add(c, inputs, cells, 0)
    for n, axis in enumerate(met):
        i, j, k = axis.T
        tap = k * prod(window.kernel[n + 1 :]) * (outputs if local else 1)
        place = i * prod(window.output[n + 1 :])
        terms.outer(j * prod(window.input[n + 1 :]), tap + place if local else tap, place)
    order = np.argsort(terms.y, kind="stable")
    return WindowTerms(terms.x[order], terms.w[order], terms.y[order])


class _Outer:
    """Places in three arrays, as sums over independent indices."""

    def __init__(self) -> None:
        self.x = self.w = self.y = np.zeros(1, np.int64)

    def outer(self, x: Cells, w: Cells, y: Cells) -> None:
        """Every place so far with every one of these."""
        self.x = np.add.outer(self.x, x).reshape(-1)
        self.w = np.add.outer(self.w, w).reshape(-1)
        self.y = np.add.outer(self.y, y).reshape(-1)

    def add(self, count: int, x: int, w: int, y: int) -> None:
        """An index from 0 to count - 1 that moves by these steps."""
        cells = np.arange(count, dtype=np.int64)
        self.outer(cells * x, cells * w, cells * y)
