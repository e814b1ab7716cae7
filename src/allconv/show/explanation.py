"""Cells made of meetings and numbers: the forward pass of a call, and its gradients.

Leaving an array out of the one form gives the terms of its cells (`Sums`); pooling has no weights,
and a maximum sends its gradient to the cell that won (`Maxima`), a mean to all its cells (`Means`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import product
from math import prod

from allconv.analysis.meetings import Meetings
from allconv.operators.base import Array, Operator
from allconv.operators.correlate import TransposeView, Trilinear, WeightView
from allconv.operators.pool import AveragePool, MaxPool
from allconv.show.operand import Operand, WindowCall
from allconv.show.terms import Cell, Factor, Index, Term, added, largest

Explain = Callable[[Index], Cell]


class Explanation:
    """What each kind of window says of the cells of its result and of its gradients.

    `gy` are the values of the upstream gradient, shaped as the window's result.
    """

    def __init__(self, call: WindowCall, gy: Array | None) -> None:
        self.call, self.result = call, call.result
        self.gy = None if gy is None else call.result.renamed(f"g{call.result.name}", gy)

    def forward(self, index: Index) -> Cell:
        """The cell of the result at an index."""
        raise NotImplementedError

    def gradients(self) -> dict[str, tuple[Operand, Explain]]:
        """By name: the array that the gradient is of, and what explains its cells."""
        raise NotImplementedError

    def work(self, of: Operand) -> int:
        """About how many terms are looked at for a cell of the result, or of an operand's gradient.

        All meetings of the window, shared out among the cells.
        """
        meetings = prod(self._slid().labels.shape) * self.call.operator.window.taps
        return -(-meetings * self._depth(of) // max(prod(of.shape), 1))

    def _slid(self) -> Operand:
        """The array with a cell for each place of the window."""
        return self.result

    def _depth(self, of: Operand) -> int:
        """How many terms there are where the window meets a cell once."""
        return 1

    def made_at(self, index: Index) -> Index:
        """The cell of the window's result that stands at an index of what is returned."""
        (cell,) = self.result.cells(index)
        return cell

    def upstream(self, cell: Index) -> Factor | None:
        """The gradient of a cell of the window's result; None where the call leaves it out."""
        assert self.gy is not None  # noqa: S101 (gradients are asked for with one)
        factor = self.gy.factor(cell)
        return None if factor.index is None else factor


class Sums(Explanation):
    """Convolution in its three views, and locally connected layers in theirs."""

    def __init__(self, call: WindowCall, gy: Array | None) -> None:
        super().__init__(call, gy)
        self._roles, self._made = _roles(call.operator)
        self._operands = dict(zip(self._roles, call.operands, strict=False))
        self._bias = call.operands[2] if len(call.operands) > 2 else None

    @cached_property
    def _meetings(self) -> Meetings:
        operator = self.call.operator
        assert isinstance(operator, Trilinear)  # noqa: S101 (for the type checker)
        shapes = {role: operand.labels.shape for role, operand in self._operands.items()}
        shapes[self._made] = self.result.labels.shape
        return Meetings(
            operator.window,
            shapes["x"][0],
            shapes["x"][1] // operator.groups,
            shapes["y"][1] // operator.groups,
            operator.is_local,
        )

    def work(self, of: Operand) -> int:
        cells = prod(self.result.labels.shape)
        return -(-cells // max(prod(of.shape), 1)) if of is self._bias else super().work(of)

    def _slid(self) -> Operand:
        return self._operands.get("y", self.result)

    def _depth(self, of: Operand) -> int:
        return self._meetings.channels

    def forward(self, index: Index) -> Cell:
        made, terms = self.made_at(index), []
        for cells in self._meetings.of(self._made, made):
            factors = tuple(self._operands[role].factor(cells[role]) for role in self._roles)
            terms.append(Term(_data_first(factors)))
        bias = self._bias and self._bias.factor(made[1 : 1 + self._bias.labels.ndim])
        return added(self.result.name, index, terms, self.result.dtype, bias=bias)

    def gradients(self) -> dict[str, tuple[Operand, Explain]]:
        found: dict[str, tuple[Operand, Explain]] = {}
        for role in sorted(self._roles, key=lambda role: self._operands[role].name == "w"):
            operand = self._operands[role]
            found[f"g{operand.name}"] = operand, self._explain(role)
        if self._bias is not None:
            found["gb"] = self._bias, self._bias_gradient
        return found

    def _explain(self, role: str) -> Explain:
        operand = self._operands[role]
        (other,) = (each for each in self._roles if each != role)

        def gradient(index: Index) -> Cell:
            terms = []
            for held in operand.cells(index):
                for cells in self._meetings.of(role, held):
                    gy = self.upstream(cells[self._made])
                    if gy is not None:
                        terms.append(
                            Term(_data_first((self._operands[other].factor(cells[other]), gy)))
                        )
            return added(f"g{operand.name}", index, terms, operand.dtype)

        return gradient

    def _bias_gradient(self, index: Index) -> Cell:
        assert self._bias is not None  # noqa: S101 (asked for where there is a bias)
        shape, terms = self.result.labels.shape, []
        for held in self._bias.cells(index):
            rest = shape[1 + len(held) :]
            for n, *i in product(range(shape[0]), *map(range, rest)):
                gy = self.upstream((n, *held, *i))
                if gy is not None:
                    terms.append(Term((gy,)))
        return added("gb", index, terms, self._bias.dtype)


class _Pooling(Explanation):
    """What the two kinds of pooling share: one operand, each channel on its own."""

    @property
    def x(self) -> Operand:
        """The operand."""
        return self.call.operands[0]

    @cached_property
    def _meetings(self) -> Meetings:
        return Meetings(self.call.operator.window, len(self.x.labels), 1, 1)

    def _depth(self, of: Operand) -> int:
        """The winner of every window over a cell is looked for among all its taps."""
        is_gradient = isinstance(self.call.operator, MaxPool) and of is self.x
        return self.call.operator.window.taps if is_gradient else 1

    def under(self, made: Index) -> list[Index]:
        """The cells of x under the window of an output, in the order of the taps."""
        return [cells["x"] for cells in self._meetings.of("y", made)]

    def over(self, index: Index) -> Iterator[tuple[Index, Index]]:
        """The outputs over a cell of x, and the cell of the window's array that they meet."""
        for held in self.x.cells(index):
            for cells in self._meetings.of("x", held):
                yield cells["y"], held

    def gradients(self) -> dict[str, tuple[Operand, Explain]]:
        return {"gx": (self.x, self.gradient)}

    def gradient(self, index: Index) -> Cell:
        """The gradient of a cell of x."""
        raise NotImplementedError


class Maxima(_Pooling):
    """Max pooling."""

    def forward(self, index: Index) -> Cell:
        return self._largest(index, self.under(self.made_at(index)))

    def _largest(self, index: Index, cells: list[Index]) -> Cell:
        terms = [Term((self.x.factor(cell),)) for cell in cells]
        return largest(self.result.name, index, terms, self.result.dtype)

    def gradient(self, index: Index) -> Cell:
        terms = []
        for made, held in self.over(index):
            under, gy = self.under(made), self.upstream(made)
            winner = self._largest((), under).winner
            if gy is not None and winner is not None and under[winner] == held:
                terms.append(Term((gy,)))
        return added("gx", index, terms, self.x.dtype, empty="no window took it")


class Means(_Pooling):
    """Average pooling."""

    def forward(self, index: Index) -> Cell:
        made = self.made_at(index)
        terms = [Term((self.x.factor(cell),)) for cell in self.under(made)]
        return added(self.result.name, index, terms, self.result.dtype, divisor=self._count(made))

    def _count(self, made: Index) -> int:
        return self.call.divisor or int(self._counts[made[2:]])

    @cached_property
    def _counts(self) -> Array:
        operator = self.call.operator
        assert isinstance(operator, AveragePool)  # noqa: S101 (for the type checker)
        return operator.counts()

    def gradient(self, index: Index) -> Cell:
        terms = []
        for made, _ in self.over(index):
            gy = self.upstream(made)
            if gy is not None:
                terms.append(Term((gy,), self._count(made)))
        return added("gx", index, terms, self.x.dtype)


def explanation(call: WindowCall, gy: Array | None) -> Explanation:
    """The explanation for the kind of window that a call slides."""
    if isinstance(call.operator, MaxPool):
        return Maxima(call, gy)
    return Means(call, gy) if isinstance(call.operator, AveragePool) else Sums(call, gy)


def _roles(operator: Operator) -> tuple[tuple[str, str], str]:
    """The roles in the one form of the two operands, and of the result."""
    if isinstance(operator, TransposeView):
        return ("w", "y"), "x"
    if isinstance(operator, WeightView):
        return ("x", "y"), "w"
    return ("x", "w"), "y"


def _data_first(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """Factors as they are written: data before weights before gradients."""
    order = {"x": 0, "y": 1, "w": 2}
    return tuple(sorted(factors, key=lambda factor: order.get(factor.name, len(order))))
