"""Lowering of the three views of a correlation to direct kernels."""

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
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.window import Phase


def lower_correlate(planner: Planner, node: Node) -> bool:
    """The forward pass; with the batch as an axis where each image gives one cell."""
    operator = node.of(Correlate)
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    x, w = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
    whole, phases_of = met_phases([axis.phases() for axis in window.axes])
    y, activation = place_result(planner, node, whole=whole)
    if y.spec.size == 0:
        return True
    if not whole:
        fill_start(planner, y, bias)
    batch = x.shape[0] if all(axis.output == 1 for axis in window.axes) else None
    problem = Problem(planner, groups, bias, activation, batch)
    out_channels, in_channels = w.shape[0] // groups, w.shape[1]
    for phases in phases_of:
        shift = sum(p.tap_start * s for p, s in zip(phases, w.strides[2:], strict=True))
        problem.run(
            x, y, w, four(phases, batch), shift,
            rows=(in_channels, w.strides[1]), columns=(out_channels, w.strides[0]),
            taps=tap_strides(w.strides[2:], phases, batch),
        )  # fmt: skip
    return True


def lower_transpose(planner: Planner, node: Node) -> bool:
    """The gradient of the input, one phase of the stride after the other."""
    operator = node.of(CorrelateTranspose)
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    w, y = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
    whole, phases_of = met_phases([axis.transpose_phases() for axis in window.axes])
    single = all(a.output == 1 and a.input_dilation == 1 and a.dilation == 1 for a in window.axes)
    x, activation = place_result(planner, node, whole=whole or single)
    if x.spec.size == 0:
        return True
    rows = (w.shape[0] // groups, w.strides[0])
    columns = (w.shape[1], w.strides[1])
    if single:
        # Each input cell meets one tap: weights that move with the cell, and one tap each.
        problem = Problem(planner, groups, bias, activation, y.shape[0])
        phases = tuple(Phase(0, 1, a.input, 0, 1, 1, 0, 0, 1) for a in window.axes)
        moving = tuple(
            Moving(a.input, stride, a.padding, 1, 0, a.kernel)
            for a, stride in zip(window.axes, w.strides[2:], strict=True)
        )
        shift = sum(a.padding * s for a, s in zip(window.axes, w.strides[2:], strict=True))
        problem.run(
            y, x, w, four(phases, y.shape[0]), shift, rows=rows, columns=columns,
            taps=((1, 0),) * 4, moving=moving,
        )  # fmt: skip
        return True
    if not whole:
        fill_start(planner, x, bias)
    problem = Problem(planner, groups, bias, activation, None)
    for phases in phases_of:
        shift = sum(p.tap_start * s for p, s in zip(phases, w.strides[2:], strict=True))
        problem.run(
            y, x, w, four(phases, None), shift, rows=rows, columns=columns,
            taps=tap_strides(w.strides[2:], phases, None),
        )  # fmt: skip
    return True


def lower_weight(planner: Planner, node: Node) -> bool:
    """The gradient of shared weights: parts of the batch, then their sum."""
    operator = node.of(CorrelateWeight)
    window = operator.window
    if len(window.axes) > 3:
        return False
    x = planner.read(node.inputs[0])
    batch = all(axis.output == 1 for axis in window.axes)
    return lower_weights(planner, node, x, window.phases(), operator.groups, batch, local=False)


LOWERINGS: dict[type[Operator], Lowering] = {
    Correlate: of_floats(lower_correlate),
    CorrelateTranspose: of_floats(lower_transpose),
    CorrelateWeight: of_floats(lower_weight),
}
