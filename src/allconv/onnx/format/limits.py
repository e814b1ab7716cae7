"""How much a file may ask for, whatever little it holds: values, constants, multiply-adds.

Sizes are Python's own integers until they have passed, so that none overflows on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from allconv.errors import LimitError
from allconv.graph import Node
from allconv.intake.limits import MOST_AXES
from allconv.operators.pool import AveragePool, MaxPool

MOST_VALUES = 2**31
"""The values of one array."""

LARGE_VALUES = 2**28
"""The values of an array that small inputs become, 1 GB; or `VALUES_PER_VALUE` if that is more."""

VALUES_PER_VALUE = 2**12
"""The values of an array for each value of the inputs, up to `MOST_VALUES` (VGG-19 has 22)."""

MOST_LISTED = 2**16
"""The numbers of a list of sizes, axes or pads that is an array of the file."""

MOST_CONSTANTS = 10_000_000
"""The numbers of one array that is made while a network is recorded; ten times as many in all."""

MOST_FILLED = 2**28
"""The cells of all arrays that are one number everywhere: 1 GB where they are laid out."""

MOST_DEFINED = 100_000
"""The nodes by which the format defines those of a network, in all."""

MOST_WORK = 2**41
"""The multiply-adds of a network, about a minute's; or, for large inputs, `WORK_PER_VALUE`."""

WORK_PER_VALUE = 2**20
"""The multiply-adds of a network for each value of its inputs (VGG-19 has 130,000)."""


def fits(shape: Sequence[int], most: int = MOST_VALUES) -> bool:
    """Whether an array may have this shape; a size of 0 does not excuse the others."""
    return len(shape) <= MOST_AXES and prod(max(n, 1) for n in shape) <= most


@dataclass
class Budget:
    """What is left to a network that is being recorded for inputs of so many values."""

    values: int
    constants: int = 10 * MOST_CONSTANTS
    work: int = 0
    filled: int = 0
    nodes: int = 0

    @property
    def most_values(self) -> int:
        """The values that an array may have."""
        return min(max(LARGE_VALUES, VALUES_PER_VALUE * self.values), MOST_VALUES)

    def take_constants(self, op: str, shape: Sequence[int]) -> None:
        """Count an array that is made while recording, before it is."""
        if len(shape) > MOST_AXES:
            raise LimitError(
                f"{op} makes constants of {len(shape)} axes; at most {MOST_AXES} are supported"
            )
        self.constants -= prod(shape)
        if not fits(shape, MOST_CONSTANTS) or self.constants < 0:
            raise LimitError(
                f"{op} makes {prod(shape):,} constants; {MOST_CONSTANTS:,} are computed, and "
                f"{10 * MOST_CONSTANTS:,} for a network"
            )

    def take_filled(self, op: str, shape: Sequence[int]) -> None:
        """Count an array that is one number everywhere, kept once while one records."""
        self.filled += prod(shape)
        if not fits(shape, MOST_FILLED) or self.filled > MOST_FILLED:
            raise LimitError(
                f"{op} makes an array of {prod(shape):,} cells; {MOST_FILLED:,} are made for a "
                "network"
            )

    def take_nodes(self, label: str, count: int) -> None:
        """Count the nodes that stand for one that the format defines by others."""
        self.nodes += count
        if self.nodes > MOST_DEFINED:
            raise LimitError(
                f"{label} brings the nodes that define others to {self.nodes:,}; {MOST_DEFINED:,} "
                "are recorded"
            )

    def take_work(self, label: str, nodes: Sequence[Node]) -> None:
        """Count the multiply-adds of what a node of the file has recorded."""
        self.work += sum(map(_work, nodes))
        most = max(MOST_WORK, WORK_PER_VALUE * self.values)
        if self.work > most:
            raise LimitError(
                f"{label} brings the network to {self.work:,} multiply-adds; {most:,} are "
                "computed for inputs of this size"
            )


def _work(node: Node) -> int:
    """Multiply-adds, or what is compared or moved."""
    values = [value.spec for value in (*node.inputs, *node.outputs)]
    if any(spec.size == 0 for spec in values):
        return 0
    operator, size = node.operator, node.outputs[0].spec.size
    if isinstance(operator, MaxPool | AveragePool):
        return size * prod(min(axis.kernel, axis.input) for axis in operator.window.axes)
    return max(size, operator.cost(*(value.spec for value in node.inputs)))
