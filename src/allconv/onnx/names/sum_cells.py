"""Sums of cells along an axis, of which adaptive pooling, unfold and fold are made.

The format has no such operator; where the lists of cells follow a rule they are parts of the array
(Slice), summed (ReduceSum), with zeros where a list is empty (Pad), laid side by side (Concat).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.sum_cells import SumCells

MOST_PARTS = 512


@dataclass
class CellRange:
    """Cells first, first + step, ...: a result each, or (`summed`) one; then `zeros` results."""

    first: int
    step: int
    count: int
    summed: bool
    zeros: int = 0

    def takes(self, cell: int) -> bool:
        """Whether the next result, of one cell, continues these."""
        if self.summed or self.zeros:
            return False
        return self.count == 1 or cell == self.first + self.step * self.count

    def take(self, cell: int) -> None:
        """Continue by the result of one cell."""
        if self.count == 1:
            self.step = cell - self.first
        self.count += 1


def parts_of(cells: Sequence[Sequence[int]]) -> tuple[int, list[CellRange]] | None:
    """Zeros at the beginning and the parts after them; None where the lists follow no rule."""
    before, parts = 0, list[CellRange]()
    for each in cells:
        last = parts[-1] if parts else None
        if not each and last is None:
            before += 1
        elif not each and last is not None:
            last.zeros += 1
        elif len(each) == 1 and last is not None and last.takes(each[0]) and each[0] != last.first:
            last.take(each[0])
        elif len({b - a for a, b in pairwise(each)}) <= 1:
            step = each[1] - each[0] if len(each) > 1 else 1
            parts.append(CellRange(each[0], step, len(each), len(each) > 1))
        else:
            return None
    return (before, parts) if parts and len(parts) <= MOST_PARTS else None


def write_sum_cells(writer: Writer, written: NodeToWrite) -> None:
    """Slice, ReduceSum and Pad for each part, and Concat."""
    operator: SumCells = written.operator
    found = parts_of(operator.cells)
    if found is None:
        raise writer.unsupported(
            written,
            "its windows along an axis are too many, or of too many kinds; choose sizes of which "
            "one divides the other",
        )
    before, parts = found
    names = []
    for number, part in enumerate(parts):
        name = _write_part(writer, written, part)
        low = before if number == 0 else 0
        if low or part.zeros:
            pairs = [(0, 0)] * len(written.result)
            pairs[operator.axis] = (low, part.zeros)
            name = writer.pad(written, name, pairs, 0.0)
        names.append(name)
    writer.node(written, "Concat", names, axis=operator.axis)


def _write_part(writer: Writer, written: NodeToWrite, part: CellRange) -> str:
    axis, x, y = written.operator.axis, written.inputs[0], written.outputs[0]
    end = part.first + part.step * part.count
    numbers = ([part.first], [end if end >= 0 else -(2**31)], [axis], [part.step])
    taken = writer.step(f"{y}/cells", "Slice", x, *map(writer.integers, numbers))
    if not part.summed:
        return taken
    return writer.step(f"{y}/sum", "ReduceSum", taken, writer.integers([axis]), keepdims=1)


WRITERS = {SumCells: write_sum_cells}
