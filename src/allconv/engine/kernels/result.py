"""Where a group's result lies, and what its kernel computes before it writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allconv.engine.kernels.epilogue import AFTER, BEFORE, Epilogue, Tail, kind_of
from allconv.engine.kernels.expression import Expression
from allconv.engine.kernels.map import emit_map
from allconv.engine.kernels.normalize import NORMAL, SCALE
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Multiply
from allconv.value import Value

# (w, scale): w*scale
SCALED = Expression(2, ((Multiply(), (0, 1)),), (2,))


def place_result(planner: Planner, root: Node) -> tuple[Place, Tail]:
    """Memory for the result of the group of a root, and what follows the root in it."""
    group, inside = planner.group(root), folded(planner, root)
    first = root if inside is None else inside
    nodes = [node for node in group.rest if node is not inside]
    tail = _Tails(planner, first.outputs[0], nodes).tail(AFTER)
    return planner.result(group.result), tail


def head_of(planner: Planner, root: Node) -> Tail | None:
    """What comes before a root in its group."""
    group = planner.group(root)
    if not group.before:
        return None
    return _Tails(planner, group.source, group.before).tail(BEFORE)


def weights_and_bias(planner: Planner, root: Node) -> tuple[Place, Place | None]:
    """The weights of a correlation and its bias, with the normalisation that is folded into them.

    Where weights and statistics are static, it is computed once: w*scale and (b - mean)*scale +
    shift.
    """
    w = planner.read(root.inputs[1])
    bias = planner.read(root.inputs[2], "rows") if len(root.inputs) > 2 else None
    node = folded(planner, root)
    if node is None:
        return w, bias
    mean, scale, shift = normal(planner, node)
    weights = planner.temporary(w.shape, w.spec.dtype)
    by_output = scale.viewed((*scale.shape, *(1,) * (len(w.shape) - 1)), (w.item,) * len(w.shape))
    emit_map(planner, SCALED, [w, by_output], [weights], what="fold normalize")
    if bias is None:
        bias = planner.constant(np.zeros(scale.shape, w.spec.dtype))
    moved = planner.temporary(scale.shape, w.spec.dtype)
    emit_map(planner, NORMAL, [bias, mean, scale, shift], [moved], what="fold normalize")
    return weights, moved


def folded(planner: Planner, root: Node) -> Node | None:
    """The normalisation that becomes a part of a correlation's weights, unless `exact`."""
    rest = planner.group(root).rest
    if planner.exact or not rest or not isinstance(rest[0].operator, Normalize):
        return None
    if not isinstance(root.operator, Correlate) or rest[0].inputs[0] is not root.outputs[0]:
        return None
    static = (*root.inputs[1:], *rest[0].inputs[1:])
    return rest[0] if all(map(planner.is_static, static)) else None


def normal(planner: Planner, node: Node) -> list[Place]:
    """Mean, scale and shift of every channel."""
    operator = node.of(Normalize)
    mean, variance, gamma, beta = (planner.read(v, "rows") for v in node.inputs[1:])
    eps = planner.constant(np.array(operator.eps, variance.spec.dtype))
    scale = planner.temporary(variance.shape, variance.spec.dtype)
    emit_map(planner, SCALE, [variance, eps, gamma], [scale], what="scale of channels")
    return [mean, scale, beta]


class _Tails:
    """An epilogue, or a prologue, while it is put together."""

    def __init__(self, planner: Planner, first: Value, nodes: Sequence[Node]) -> None:
        self.planner, self.first, self.nodes = planner, first, nodes
        self.kinds, self.operands, self.by_image = "", list[Place](), list[int]()
        self.numbers: dict[Value, int] = {first: 0}

    def tail(self, slots: str) -> Tail:
        """The operands in the order in which nodes read them; the lines are counted after all."""
        known = {self.first, *(node.outputs[0] for node in self.nodes)}
        of_normal: dict[Node, list[int]] = {}
        for node in self.nodes:
            if isinstance(node.operator, Normalize):
                places = normal(self.planner, node)
                of_normal[node] = [self._add(place, "c", 0) for place in places]
                continue
            for value in node.inputs:
                if value not in known and value not in self.numbers:
                    self.numbers[value] = self._add(*self._operand(value))
        count = 1 + len(self.operands)
        lines: list[tuple[Operator, tuple[int, ...]]] = []
        for node in self.nodes:
            if node in of_normal:
                operands = [self.numbers[node.inputs[0]], *of_normal[node]]
                shift = count + len(lines) - NORMAL.operands
                for operator, taken in NORMAL.lines:
                    moved = (operands[n] if n < NORMAL.operands else n + shift for n in taken)
                    lines.append((operator, tuple(moved)))
            else:
                lines.append((node.operator, tuple(self.numbers[v] for v in node.inputs)))
            self.numbers[node.outputs[0]] = count + len(lines) - 1
        last = self.nodes[-1].outputs[0] if self.nodes else self.first
        expression = Expression(count, tuple(lines), (self.numbers[last],))
        epilogue = Epilogue(expression, self.kinds, slots)
        return Tail(epilogue, tuple(self.operands), tuple(self.by_image))

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
