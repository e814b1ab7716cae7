"""Pointwise operators: how chains of them become one pass over memory.

An operator whose result only another pointwise operator of the same shape reads is deferred: its
value gets no place, and the one that reads it computes both. So a value without a place is one to
be computed along the way (`gathered`).
"""

from __future__ import annotations

from collections.abc import Sequence

from allconv.engine.expression import EMITTERS, Expression
from allconv.engine.kernels.map import DEFERRED, OPERANDS, add_map
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.normalize import BatchNormGradient
from allconv.value import Value

LINES = 12  # of an expression that is deferred: two or three of them meet in the last one


def lower_pointwise(planner: Planner, node: Node) -> bool:
    """One map for the node and everything that was deferred for it, or deferred too."""
    if not _is_deferred(planner, node):
        compute(planner, node)
    return True


def compute(planner: Planner, node: Node) -> None:
    """Add the map of a node and of what was deferred for it."""
    expression, operands = gathered(planner, node)
    if len(operands) > OPERANDS:
        for value in node.inputs:
            producer = planner.producer(value)
            if value not in planner.places and producer is not None:
                compute(planner, producer)
        expression, operands = gathered(planner, node)
    write(planner, expression, [planner.read(value) for value in operands], node)


def gathered(planner: Planner, last: Node) -> tuple[Expression, list[Value]]:
    """A node and all that was deferred for it, as one expression of values that have a place."""
    operands: dict[Value, None] = {}
    nodes: dict[Node, None] = {}

    def visit(node: Node) -> None:
        for value in node.inputs:
            producer = planner.producer(value)
            if value in planner.places or producer is None:
                operands[value] = None
            elif producer not in nodes:
                visit(producer)
        nodes[node] = None

    visit(last)
    return expressed(list(operands), list(nodes)), list(operands)


def expressed(operands: Sequence[Value], nodes: Sequence[Node]) -> Expression:
    """Nodes in order, as an expression of these values; it results in those of the last node."""
    numbers = {value: number for number, value in enumerate(operands)}
    lines = []
    for node in nodes:
        lines.append((node.operator, tuple(numbers[value] for value in node.inputs)))
        for value in node.outputs:
            numbers[value] = len(numbers)
    return Expression(len(operands), tuple(lines), tuple(numbers[v] for v in nodes[-1].outputs))


def followers(planner: Planner, value: Value) -> list[Node]:
    """The pointwise nodes that can be computed right with a value, each on the one before.

    Each is the only one to read the result before it, has the same shape, and finds its other
    operands in memory.
    """
    chain: list[Node] = []
    taken: set[Value] = set()
    while True:
        node = planner.sole_user(value)
        if node is None or type(node.operator) not in EMITTERS or len(node.outputs) > 1:
            break
        if node in planner.groups:
            break
        taken.update(other for other in node.inputs if other is not value)
        if len(chain) == LINES or len(taken) > DEFERRED or not taken.issubset(planner.places):
            break
        if node.outputs[0].shape != value.shape:
            break
        chain.append(node)
        value = node.outputs[0]
    return chain


def write(planner: Planner, expression: Expression, operands: Sequence[Place], node: Node) -> None:
    """Add the map that computes a node's results: channels last if an operand of their shape is."""
    shape = node.outputs[0].shape
    last = any(place.shape == shape and place.is_last for place in operands)
    outputs = [planner.result(value, "last" if last else "rows") for value in node.outputs]
    add_map(planner, expression, operands, outputs)


def _is_deferred(planner: Planner, node: Node) -> bool:
    """Whether the only reader of a node can compute it along the way.

    All else that the reader takes must be computable from memory by pointwise operators alone:
    then no other kernel takes the reader as its epilogue.
    """
    value = node.outputs[0]
    user = planner.sole_user(value)
    if user is None or len(node.outputs) > 1 or user in planner.groups:
        return False
    if isinstance(user.operator, BatchNormGradient):
        fits = user.inputs.count(value) == 1 and user.inputs[-1] is value
    else:
        fits = type(user.operator) in EMITTERS and user.outputs[0].shape == value.shape
    if not fits or not _are_near(planner, user.inputs):
        return False
    expression, operands = gathered(planner, node)
    return len(expression.lines) <= LINES and len(operands) <= DEFERRED


def _are_near(planner: Planner, values: Sequence[Value]) -> bool:
    """Whether values are in memory or come from there by pointwise operators alone."""
    left = list(values)
    seen = set(left)
    while left:
        value = left.pop()
        producer = planner.producer(value)
        if value in planner.places or producer is None:
            continue
        if type(producer.operator) not in EMITTERS or len(producer.outputs) > 1:
            return False
        left.extend(value for value in producer.inputs if value not in seen)
        seen.update(producer.inputs)
    return True


LOWERINGS: dict[type[Operator], Lowering] = dict.fromkeys(EMITTERS, lower_pointwise)
