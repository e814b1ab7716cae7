"""Where a group's result lies, and what its kernel computes before it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from allconv.engine.epilogue import Epilogue, Tail, kind_of
from allconv.engine.expression import Expression
from allconv.engine.kernels.affine import affine_run, normal, scale_and_shift
from allconv.engine.kernels.map import add_map
from allconv.engine.kernels.normalize import NORMAL
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Add, Multiply
from allconv.value import Value

# (w, scale): w*scale
SCALED = Expression(2, ((Multiply(), (0, 1)),), (2,))
# (b, shift): b + shift
MOVED = Expression(2, ((Add(), (0, 1)),), (2,))
# (b, scale, shift): b*scale + shift
SCALED_AND_MOVED = Expression(3, ((Multiply(), (0, 1)), (Add(), (3, 2))), (4,))


def place_result(planner: Planner, root: Node, *, rows: bool = False) -> tuple[Place, Tail]:
    """Memory for the result of the group of a root, and what follows the root in it.

    With `rows` it is in row-major order where the program returns it so, and nothing else that lies
    as the result does is read.
    """
    group, inside = planner.group(root), nodes_in_weights(planner, root)
    first, nodes = (root, *inside)[-1], group.rest[len(inside) :]
    tail = _Tails(planner, first.outputs[0], nodes).tail()
    rows = rows and planner.ends_in_rows(group.result) and "y" not in tail.epilogue.kinds
    return planner.result(group.result, "rows" if rows else "last"), tail


def head_of(planner: Planner, root: Node) -> Tail | None:
    """What comes before a root in its group."""
    group = planner.group(root)
    if not group.before:
        return None
    return _Tails(planner, group.source, group.before).tail(before=True)


def weights_and_bias(planner: Planner, root: Node) -> tuple[Place, Place | None]:
    """The weights of a correlation and its bias, with what is folded into them: w*scale and
    b*scale + shift."""
    w = planner.read(root.inputs[1])
    bias = planner.read(root.inputs[2], "rows") if len(root.inputs) > 2 else None
    nodes = nodes_in_weights(planner, root)
    if not nodes:
        return w, bias
    scale, shift = scale_and_shift(planner, nodes, root.outputs[0])
    if scale is not None:
        weights = planner.temporary(w.shape, w.spec.dtype)
        axes = len(w.shape)
        by_output = scale.viewed((*scale.shape, *(1,) * (axes - 1)), (w.item,) * axes)
        add_map(planner, SCALED, [w, by_output], [weights], what="fold scale")
        w = weights
    if bias is None:
        return w, shift
    moved = planner.temporary(shift.shape, w.spec.dtype)
    if scale is None:
        add_map(planner, MOVED, [bias, shift], [moved], what="fold shift")
    else:
        add_map(planner, SCALED_AND_MOVED, [bias, scale, shift], [moved], what="fold shift")
    return w, moved


def nodes_in_weights(planner: Planner, root: Node) -> tuple[Node, ...]:
    """The first nodes after a correlation that become a part of its weights, unless `exact`."""
    if planner.exact or not isinstance(root.operator, Correlate):
        return ()
    if not all(map(planner.is_static, root.inputs[1:])):
        return ()
    rest, value = planner.group(root).rest, root.outputs[0]
    if sum(value in node.inputs for node in rest) > 1:  # as in x or a*x: it is needed by itself
        return ()
    return affine_run(planner, rest, value)


_Part: TypeAlias = tuple[Expression, list[Value | int], Value]
"""What is computed, of which values and operands, and the value that it makes."""


class _Tails:
    """An epilogue, or a prologue, while it is put together."""

    def __init__(self, planner: Planner, first: Value, nodes: Sequence[Node]) -> None:
        self.planner, self.first, self.nodes = planner, first, nodes
        self.kinds, self.operands, self.by_image = "", list[Place](), list[int]()
        self.numbers: dict[Value, int] = {first: 0}
        self.known = {first, *(node.outputs[0] for node in nodes)}  # values of the group

    def tail(self, *, before: bool = False) -> Tail:
        """The operands in the order in which nodes read them; the lines are counted after all."""
        parts = [self._joined(run) if run else self._alone(node) for node, run in self._runs()]
        count = 1 + len(self.operands)
        lines: list[tuple[Operator, tuple[int, ...]]] = []
        for expression, taken, result in parts:
            here = [self.numbers[x] if isinstance(x, Value) else x for x in taken]
            shift = count + len(lines) - expression.operands
            for operator, numbers in expression.lines:
                moved = (here[n] if n < len(here) else n + shift for n in numbers)
                lines.append((operator, tuple(moved)))
            self.numbers[result] = count + len(lines) - 1
        last = self.nodes[-1].outputs[0] if self.nodes else self.first
        expression = Expression(count, tuple(lines), (self.numbers[last],))
        epilogue = Epilogue(expression, self.kinds, before)
        return Tail(epilogue, tuple(self.operands), tuple(self.by_image))

    def _runs(self) -> Iterator[tuple[Node, tuple[Node, ...]]]:
        """The nodes, each with the run that becomes one scale and shift with it, in fast mode."""
        nodes = list(self.nodes)
        while nodes:
            run = () if self.planner.exact else affine_run(self.planner, nodes, self._source(nodes))
            if len(run) == 1 and not isinstance(run[0].operator, Normalize):
                run = ()
            yield nodes[0], run
            del nodes[: max(len(run), 1)]

    def _joined(self, run: Sequence[Node]) -> _Part:
        """One scale and shift."""
        value = self._source(run)
        scale, shift = scale_and_shift(self.planner, run, value)
        places = [shift] if scale is None else [scale, shift]
        expression = MOVED if scale is None else SCALED_AND_MOVED
        numbers = [self._add(place, "c", 0) for place in places]
        return expression, [value, *numbers], run[-1].outputs[0]

    def _alone(self, node: Node) -> _Part:
        """What a node computes."""
        if isinstance(node.operator, Normalize):
            numbers = [self._add(place, "c", 0) for place in normal(self.planner, node)]
            return NORMAL, [node.inputs[0], *numbers], node.outputs[0]
        for value in node.inputs:
            if value not in self.known and value not in self.numbers:
                self.numbers[value] = self._add(*self._operand(value))
        inputs = tuple(range(len(node.inputs)))
        line = Expression(len(inputs), ((node.operator, inputs),), (len(inputs),))
        return line, list(node.inputs), node.outputs[0]

    def _source(self, nodes: Sequence[Node]) -> Value:
        """The first operand of the first node that is a value of the group."""
        return next(value for value in nodes[0].inputs if value in self.known)

    def _add(self, place: Place, kind: str, by_image: int) -> int:
        self.operands.append(place)
        self.by_image.append(by_image)
        self.kinds += kind
        return len(self.operands)

    def _operand(self, value: Value) -> tuple[Place, str, int]:
        """An operand as an epilogue reads it."""
        kind = kind_of(value.shape, self.first.shape)
        if kind is None:
            raise ValueError(f"an operand of {value.shape} meets {self.first.shape}")
        if kind == "y":
            return self.planner.read(value, "last"), kind, 0
        place = self.planner.read(value, "rows")
        rank = len(self.first.shape)
        by_image = place.strides[0] if len(place.shape) == rank and place.shape[0] > 1 else 0
        return place, kind, 0 if kind == "s" else by_image
