"""The table of phases: a kernel looks up what differs from phase to phase, one row an axis.

Every cell of a result belongs to one phase of each axis (see `engine.phases`), so that a few short
tables stand for their product, however many phases there are: a phase is an index, never a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.engine.step import Argument

ITEM = 8  # bytes of a number in the table


@dataclass(frozen=True, kw_only=True)
class PhaseArguments(Arguments[T]):
    """The table, and where in it the rows of each axis begin."""

    phases: T
    first: tuple[T, ...] = several(4)


def phase_table(
    planner: Planner, axes: Sequence[Sequence[Sequence[int]]]
) -> tuple[Place, PhaseArguments[Argument]]:
    """One table of the rows of all axes, one row a phase."""
    rows = np.array([row for axis in axes for row in axis], np.int64)
    table = planner.constant(rows)
    before = accumulate((len(axis) for axis in axes[:-1]), initial=0)
    first = tuple(count * rows.shape[1] * ITEM for count in before)
    return table, PhaseArguments[Argument](phases=table, first=first)


def read_phase(code: Code, columns: Sequence[str], axis: int, phase: Index) -> dict[str, Index]:
    """The numbers of a phase of an axis, by column."""
    a = code.arguments(PhaseArguments)
    start = code.add(a.phases, a.first[axis])
    address = code.add(start, code.mul(phase, len(columns) * ITEM))
    row = View(code, address, ITEM, dtype="int64")
    return {name: row[n].scalar() for n, name in enumerate(columns)}


def clip_taps(
    code: Code, base: Index, dilation: Index, size: Index, taps: Index
) -> tuple[Index, Index]:
    """The first tap whose source base + dilation*t exists, and how many do from there."""
    low = code.ceil_div(code.max(code.sub(0, base), 0), dilation)
    room = code.max(code.sub(size, base), 0)
    high = code.min(taps, code.ceil_div(room, dilation))
    return low, code.max(code.sub(high, low), 0)


def reach(code: Code, stride: Index, cells: Index, dilation: Index, taps: Index) -> Index:
    """How many source cells the taps of adjacent cells reach over; 0 without cells or taps."""
    over = code.add(code.mul(stride, code.sub(cells, 1)), code.mul(dilation, code.sub(taps, 1)), 1)
    some = code.both(code.compare(">", cells, 0), code.compare(">", taps, 0))
    return code.select(some, over, 0)


def share(code: Code, total: Index, part: Index, parts: Index) -> tuple[Index, Index]:
    """Where a part of an even split begins, and how long it is: none is empty if parts <= total."""
    begin = code.div(code.mul(total, part), parts)
    end = code.div(code.mul(total, code.add(part, 1)), parts)
    return begin, code.sub(end, begin)
