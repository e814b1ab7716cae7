"""Runs of nodes that multiply and move channels by static numbers: together one scale and shift.

A normalisation by running statistics is such a node, and networks that come from other frameworks
have a multiplication and an addition behind it. In fast mode they are joined before a program runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from allconv.engine.epilogue import kind_of
from allconv.engine.expression import Expression
from allconv.engine.kernels.map import add_map
from allconv.engine.kernels.normalize import SCALE
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Add, Multiply, Subtract
from allconv.value import Value


def normal(planner: Planner, node: Node) -> list[Place]:
    """Mean, scale and shift of every channel."""
    operator = node.of(Normalize)
    mean, variance, gamma, beta = (planner.read(v, "rows") for v in node.inputs[1:])
    eps = planner.constant(np.array(operator.eps, variance.spec.dtype))
    scale = planner.temporary(variance.shape, variance.spec.dtype)
    add_map(planner, SCALE, [variance, eps, gamma], [scale], what="scale of channels")
    return [mean, scale, beta]


def affine_run(planner: Planner, nodes: Sequence[Node], value: Value) -> tuple[Node, ...]:
    """The first of some nodes, as long as each only multiplies or moves the channels of what the
    one before it made of `value`, which nothing else among them reads."""
    run: list[Node] = []
    for node in nodes:
        readers = [each for each in nodes if value in each.inputs]
        if (run and readers != [node]) or not _is_affine(planner, node, value):
            break
        run.append(node)
        value = node.outputs[0]
    return tuple(run)


def _is_affine(planner: Planner, node: Node, value: Value) -> bool:
    """Whether a node multiplies or moves the channels of a value by static numbers."""
    if isinstance(node.operator, Normalize):
        return node.inputs[0] is value and all(map(planner.is_static, node.inputs[1:]))
    if not isinstance(node.operator, Add | Multiply | Subtract) or node.inputs.count(value) != 1:
        return False
    if isinstance(node.operator, Subtract) and node.inputs[0] is not value:
        return False
    other = _other(node, value)
    one_batch = len(other.shape) < len(value.shape) or other.shape[0] == 1
    alike = kind_of(other.shape, value.shape) in ("c", "s")
    return alike and one_batch and planner.is_static(other)


def _other(node: Node, value: Value) -> Value:
    (other,) = (each for each in node.inputs if each is not value)
    return other


def scale_and_shift(
    planner: Planner, run: Sequence[Node], value: Value
) -> tuple[Place | None, Place]:
    """What a run multiplies every channel by (None: nothing), and what it adds then."""
    channels, dtype = value.shape[1], value.dtype
    operands: list[Place] = [planner.constant(np.zeros(channels, dtype))]
    lines: list[tuple[Operator, tuple[int, ...]]] = []  # line n is counted as -1 - n

    def add(operator: Operator, *taken: int) -> int:
        lines.append((operator, taken))
        return -len(lines)

    def vector(place: Place) -> int:
        step = place.item if prod(place.shape) > 1 else 0
        operands.append(place.viewed((channels,), (step,)))
        return len(operands) - 1

    scale: int | None = None
    shift = 0
    for node in run:
        operator = node.operator
        if isinstance(operator, Normalize):
            mean, factor, moved = map(vector, normal(planner, node))
            scale = factor if scale is None else add(Multiply(), scale, factor)
            centred = add(Subtract(), shift, mean)
            shift = add(Add(), add(Multiply(), centred, factor), moved)
        else:
            number = vector(planner.read(_other(node, value), "rows"))
            if isinstance(operator, Multiply):
                scale = number if scale is None else add(Multiply(), scale, number)
            shift = add(operator, shift, number)
        value = node.outputs[0]
    results = [shift] if scale is None else [scale, shift]
    placed = [planner.temporary((channels,), dtype) for _ in results]
    count = len(operands)

    def numbered(n: int) -> int:
        return n if n >= 0 else count - 1 - n

    expression = Expression(
        count,
        tuple((operator, tuple(map(numbered, taken))) for operator, taken in lines),
        tuple(map(numbered, results)),
    )
    add_map(planner, expression, operands, placed, what="join scales")
    return (None, placed[0]) if scale is None else (placed[0], placed[1])
