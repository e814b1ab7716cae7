"""Lowering of the three views of a locally connected layer to direct kernels."""

from __future__ import annotations

from allconv.engine.kernels.form import four
from allconv.engine.kernels.pack import Moving
from allconv.engine.kernels.problem import (
    Problem,
    fill_start,
    met_phases,
    of_floats,
    place_result,
    tap_strides,
)
from allconv.engine.kernels.weight_steps import lower_weights
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.value import Value


def lower_local(planner: Planner, node: Node) -> bool:
    """Locally connected: the batch fills the tile, the weights move with the cell."""
    operator = node.of(Local)
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    x, w = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = _local_bias(planner, node.inputs[2]) if len(node.inputs) > 2 else None
    whole, phases_of = met_phases([axis.phases() for axis in window.axes])
    y, activation = place_result(planner, node, whole=whole)
    if y.spec.size == 0:
        return True
    if not whole:
        fill_start(planner, y, bias)
    axes = len(window.axes)
    by_tap, by_cell = w.strides[2 : 2 + axes], w.strides[2 + axes :]
    problem = Problem(planner, groups, bias, activation, x.shape[0])
    for phases in phases_of:
        shift = sum(
            p.tap_start * s + p.out_start * c
            for p, s, c in zip(phases, by_tap, by_cell, strict=True)
        )
        moving = tuple(
            Moving(p.out_count, p.out_step * c) for p, c in zip(phases, by_cell, strict=True)
        )
        problem.run(
            x, y, w, four(phases, x.shape[0]), shift,
            rows=(w.shape[1], w.strides[1]), columns=(w.shape[0] // groups, w.strides[0]),
            taps=tap_strides(by_tap, phases, x.shape[0]), moving=moving,
        )  # fmt: skip
    return True


def lower_local_transpose(planner: Planner, node: Node) -> bool:
    """The transpose of a locally connected layer: weights exist where the output does."""
    operator = node.of(LocalTranspose)
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    w, y = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = _local_bias(planner, node.inputs[2]) if len(node.inputs) > 2 else None
    whole, phases_of = met_phases([axis.transpose_phases() for axis in window.axes])
    x, activation = place_result(planner, node, whole=whole)
    if x.spec.size == 0:
        return True
    if not whole:
        fill_start(planner, x, bias)
    axes = len(window.axes)
    by_tap, by_cell = w.strides[2 : 2 + axes], w.strides[2 + axes :]
    problem = Problem(planner, groups, bias, activation, y.shape[0])
    for phases in phases_of:
        rows = list(zip(phases, by_tap, by_cell, window.output, strict=True))
        shift = sum(p.tap_start * s + p.offset * c for p, s, c, _ in rows)
        moving = tuple(
            Moving(p.out_count, p.stride * c, p.offset, p.stride, p.dilation, n)
            for p, _, c, n in rows
        )
        taps = tuple((p.tap_count, p.tap_step * s + p.dilation * c) for p, s, c, _ in rows)
        problem.run(
            y, x, w, four(phases, y.shape[0]), shift,
            rows=(w.shape[0] // groups, w.strides[0]), columns=(w.shape[1], w.strides[1]),
            taps=((1, 0),) * (3 - axes) + taps + ((1, 0),), moving=moving,
        )  # fmt: skip
    return True


def lower_local_weight(planner: Planner, node: Node) -> bool:
    """The gradient of locally connected weights: every cell is a part of its own."""
    operator = node.of(LocalWeight)
    window = operator.window
    if len(window.axes) > 3:
        return False
    x = planner.read(node.inputs[0])
    return lower_weights(planner, node, x, window.phases(), operator.groups, True, local=True)


def _local_bias(planner: Planner, value: Value) -> Place:
    """A bias of every cell, (O, *P), as (1, O, *P) with its channels innermost."""
    place = planner.read(value)
    return planner.copied(place.viewed((1, *place.shape), (0, *place.strides)), "last")


LOWERINGS: dict[type[Operator], Lowering] = {
    Local: of_floats(lower_local),
    LocalTranspose: of_floats(lower_local_transpose),
    LocalWeight: of_floats(lower_local_weight),
}
