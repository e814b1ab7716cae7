"""Lowering of the three views of a correlation to direct kernels."""

from __future__ import annotations

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.depthwise_steps import (
    accepts_depthwise,
    add_depthwise,
    add_depthwise_weight,
)
from allconv.engine.kernels.epilogue import Epilogue, Tail
from allconv.engine.kernels.map import Expression
from allconv.engine.kernels.pack import pack
from allconv.engine.kernels.problem import Problem, WeightSteps, of_floats, place_result
from allconv.engine.kernels.weight_steps import lower_weights
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.pointwise import Relu
from allconv.window import Axis, Phase


def lower_correlate(planner: Planner, node: Node) -> bool:
    """The forward pass; with the batch as an axis where each image gives one cell."""
    operator = node.of(Correlate)
    window = operator.window
    if len(window.axes) > 3:
        return False
    x, w = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
    y, activation = place_result(planner, node)
    if y.spec.size == 0:
        return True
    if accepts_depthwise(window, operator.groups, x.shape[1], y.shape[1]):
        x, phases = planner.read(node.inputs[0], "last"), [axis.phases() for axis in window.axes]
        add_depthwise(planner, x, w, y, bias, _tail(activation), phases)
        return True
    batch = x.shape[0] if all(axis.output == 1 for axis in window.axes) else None
    packed = pack(planner, operator, w)
    problem = Problem(planner, operator.groups, bias, activation, batch)
    steps = [WeightSteps(start, tap) for start, tap in packed.by_tap()]
    problem.run(x, y, packed, [axis.phases() for axis in window.axes], steps)
    return True


def lower_transpose(planner: Planner, node: Node) -> bool:
    """The gradient of the input: its phases are the residues of the stride."""
    operator = node.of(CorrelateTranspose)
    window = operator.window
    if len(window.axes) > 3:
        return False
    w, y = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
    x, activation = place_result(planner, node)
    if x.spec.size == 0:
        return True
    if accepts_depthwise(window, operator.groups, x.shape[1], y.shape[1]):
        y = planner.read(node.inputs[1], "last")
        phases = [axis.transpose_phases() for axis in window.axes]
        add_depthwise(planner, y, w, x, bias, _tail(activation), phases)
        return True
    packed = pack(planner, operator, w)
    if all(a.output == 1 and a.input_dilation == 1 and a.dilation == 1 for a in window.axes):
        problem = Problem(planner, operator.groups, bias, activation, y.shape[0])
        steps = [WeightSteps(start, tap, cell=tap) for start, tap in packed.by_tap()]
        problem.run(y, x, packed, [_single_phases(axis) for axis in window.axes], steps)
        return True
    problem = Problem(planner, operator.groups, bias, activation, None)
    steps = [WeightSteps(start, tap) for start, tap in packed.by_tap()]
    problem.run(y, x, packed, [axis.transpose_phases() for axis in window.axes], steps)
    return True


def _tail(activation: str) -> Tail:
    """An activation as the end of a step."""
    if activation == "relu":
        return Tail(Epilogue(Expression(1, ((Relu(), (0,)),), (1,))))
    return Tail()


def _single_phases(axis: Axis) -> tuple[Phase, ...]:
    """The inputs of an axis of a single output: those that meet a tap, the number of which moves
    with the cell (`tap_start` is that of cell 0), and those before and after them."""
    low = min(max(-axis.padding, 0), axis.input)
    high = max(min(axis.kernel - axis.padding, axis.input), low)
    classes = (
        Phase(0, 1, low, 0, 1, 0, 0, 0, 1),
        Phase(low, 1, high - low, axis.padding, 1, 1, 0, 0, 1),
        Phase(high, 1, axis.input - high, 0, 1, 0, 0, 0, 1),
    )
    return tuple(phase for phase in classes if phase.out_count)


def lower_weight(planner: Planner, node: Node) -> bool:
    """The gradient of shared weights: parts of the batch, then their sum."""
    operator = node.of(CorrelateWeight)
    window = operator.window
    if len(window.axes) > 3:
        return False
    x = planner.read(node.inputs[0])
    y = planner.places[node.inputs[1]]
    if accepts_depthwise(window, operator.groups, x.shape[1], y.shape[1]):
        x, y = (planner.read(value, "last") for value in node.inputs)
        w = planner.result(node.outputs[0], "rows")
        if x.spec.size == 0:
            fill(planner, w, 0.0)
        else:
            add_depthwise_weight(planner, x, y, w, window)
        return True
    batch = all(axis.output == 1 for axis in window.axes)
    return lower_weights(planner, node, x, window, operator.groups, batch, local=False)


LOWERINGS: dict[type[Operator], Lowering] = {
    Correlate: of_floats(lower_correlate),
    CorrelateTranspose: of_floats(lower_transpose),
    CorrelateWeight: of_floats(lower_weight),
}
