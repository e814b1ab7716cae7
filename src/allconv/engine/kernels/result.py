"""Where a group's result lies, and what its kernel computes before it writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from allconv.engine.kernels.affine import affine_run, normal, scale_and_shift
from allconv.engine.kernels.epilogue import AFTER, BEFORE, Epilogue, Tail, kind_of
from allconv.engine.kernels.expression import Expression
from allconv.engine.kernels.map import emit_map
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Add, Multiply, Subtract
from allconv.value import Value

# (w, scale): w*scale
SCALED = Expression(2, ((Multiply(), (0, 1)),), (2,))
# (b, shift): b + shift
MOVED = Expression(2, ((Add(), (0, 1)),), (2,))
# (b, scale, shift): b*scale + shift
SCALED_AND_MOVED = Expression(3, ((Multiply(), (0, 1)), (Add(), (3, 2))), (4,))


def place_result(planner: Planner, root: Node) -> tuple[Place, Tail]:
    """Memory for the result of the group of a root, and what follows the root in it."""
    group, inside = planner.group(root), folded(planner, root)
    first, nodes = (root, *inside)[-1], group.rest[len(inside) :]
    tail = _Tails(planner, first.outputs[0], nodes).tail(AFTER)
    return planner.result(group.result), tail


def head_of(planner: Planner, root: Node) -> Tail | None:
    """What comes before a root in its group."""
    group = planner.group(root)
    if not group.before:
        return None
    return _Tails(planner, group.source, group.before).tail(BEFORE)


def weights_and_bias(planner: Planner, root: Node) -> tuple[Place, Place | None]:
    """The weights of a correlation and its bias, with what is folded into them: w*scale and
    b*scale + shift."""
    w = planner.read(root.inputs[1])
    bias = planner.read(root.inputs[2], "rows") if len(root.inputs) > 2 else None
    nodes = folded(planner, root)
    if not nodes:
        return w, bias
    scale, shift = scale_and_shift(planner, nodes, root.outputs[0])
    if scale is not None:
        weights = planner.temporary(w.shape, w.spec.dtype)
        axes = len(w.shape)
        by_output = scale.viewed((*scale.shape, *(1,) * (axes - 1)), (w.item,) * axes)
        emit_map(planner, SCALED, [w, by_output], [weights], what="fold scale")
        w = weights
    if bias is None:
        return w, shift
    moved = planner.temporary(shift.shape, w.spec.dtype)
    if scale is None:
        emit_map(planner, MOVED, [bias, shift], [moved], what="fold shift")
    else:
        emit_map(planner, SCALED_AND_MOVED, [bias, scale, shift], [moved], what="fold shift")
    return w, moved


def folded(planner: Planner, root: Node) -> tuple[Node, ...]:
    """The first nodes after a correlation that become a part of its weights, unless `exact`."""
    if planner.exact or not isinstance(root.operator, Correlate):
        return ()
    if not all(map(planner.is_static, root.inputs[1:])):
        return ()
    return affine_run(planner, planner.group(root).rest, root.outputs[0])


class _Tails:
    """An epilogue, or a prologue, while it is put together."""

    def __init__(self, planner: Planner, first: Value, nodes: Sequence[Node]) -> None:
        self.planner, self.first, self.nodes = planner, first, nodes
        self.kinds, self.operands, self.by_image = "", list[Place](), list[int]()
        self.numbers: dict[Value, int] = {first: 0}

    def tail(self, slots: str) -> Tail:
        """The operands in the order in which nodes read them; the lines are counted after all."""
        known = {self.first, *(node.outputs[0] for node in self.nodes)}
        runs = self._runs()
        joined = {node for run in runs for node in run}
        own: dict[Node, list[int]] = {}  # operands that no node has as inputs
        for node in self.nodes:
            if node in joined:
                if run := next((run for run in runs if run[0] is node), None):
                    value = _source(node, known)
                    own[node] = [
                        0 if place is None else self._add(place, "c", 0)
                        for place in scale_and_shift(self.planner, run, value)
                    ]
            elif isinstance(node.operator, Normalize):
                own[node] = [self._add(place, "c", 0) for place in normal(self.planner, node)]
            else:
                for value in node.inputs:
                    if value not in known and value not in self.numbers:
                        self.numbers[value] = self._add(*self._operand(value))
        count = 1 + len(self.operands)
        lines: list[tuple[Operator, tuple[int, ...]]] = []

        def add(operator: Operator, *taken: int) -> int:
            lines.append((operator, taken))
            return count + len(lines) - 1

        ends = {run[0]: run[-1] for run in runs}
        for node in self.nodes:
            if node in ends:
                x, (scale, shift) = self.numbers[_source(node, known)], own[node]
                product = add(Multiply(), x, scale) if scale else x
                self.numbers[ends[node].outputs[0]] = add(Add(), product, shift)
            elif node in own:
                mean, scale, shift = own[node]
                centred = add(Subtract(), self.numbers[node.inputs[0]], mean)
                product = add(Multiply(), centred, scale)
                self.numbers[node.outputs[0]] = add(Add(), product, shift)
            elif node not in joined:
                taken = (self.numbers[value] for value in node.inputs)
                self.numbers[node.outputs[0]] = add(node.operator, *taken)
        last = self.nodes[-1].outputs[0] if self.nodes else self.first
        expression = Expression(count, tuple(lines), (self.numbers[last],))
        epilogue = Epilogue(expression, self.kinds, slots)
        return Tail(epilogue, tuple(self.operands), tuple(self.by_image))

    def _runs(self) -> list[tuple[Node, ...]]:
        """Runs of nodes that become one scale and shift, unless `exact`."""
        runs: list[tuple[Node, ...]] = []
        nodes, known = list(self.nodes), {self.first, *(n.outputs[0] for n in self.nodes)}
        while nodes and not self.planner.exact:
            run = affine_run(self.planner, nodes, _source(nodes[0], known))
            if len(run) > 1 or (run and isinstance(run[0].operator, Normalize)):
                runs.append(run)
            nodes = nodes[max(len(run), 1) :]
        return runs

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


def _source(node: Node, known: Collection[Value]) -> Value:
    """The first operand of a node that is a value of its group."""
    return next(value for value in node.inputs if value in known)
