"""Lowering of the three views of a locally connected layer to direct kernels."""

from __future__ import annotations

from allconv.engine.kernels.pack import pack
from allconv.engine.kernels.problem import Problem, WeightSteps, of_floats
from allconv.engine.kernels.result import place_result
from allconv.engine.kernels.weight_steps import lower_weights
from allconv.engine.phases import input_phases, output_phases
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.intake.limits import MOST_WINDOW_AXES
from allconv.operators.base import Operator
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.value import Value


def lower_local(planner: Planner, node: Node) -> bool:
    """Locally connected: the batch fills the tile, the weights move with the output cell."""
    operator = node.of(Local)
    window = operator.window
    if len(window.axes) > MOST_WINDOW_AXES:
        return False
    x, w = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = _local_bias(planner, node.inputs[2]) if len(node.inputs) > 2 else None
    y, tail = place_result(planner, node)
    if y.spec.size == 0:
        return True
    packed = pack(planner, operator, w)
    problem = Problem(planner, operator.groups, bias, tail, x.shape[0])
    places = zip(packed.by_tap(), packed.by_position(), strict=True)
    steps = [WeightSteps(start, tap, cell=cell) for (start, tap), cell in places]
    problem.run(x, y, packed, [output_phases(axis) for axis in window.axes], steps)
    return True


def lower_local_transpose(planner: Planner, node: Node) -> bool:
    """The transpose of a locally connected layer: the weights move with the cell that is read."""
    operator = node.of(LocalTranspose)
    window = operator.window
    if len(window.axes) > MOST_WINDOW_AXES:
        return False
    w, y = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = _local_bias(planner, node.inputs[2]) if len(node.inputs) > 2 else None
    x, tail = place_result(planner, node)
    if x.spec.size == 0:
        return True
    packed = pack(planner, operator, w)
    problem = Problem(planner, operator.groups, bias, tail, y.shape[0])
    places = zip(packed.by_tap(), packed.by_position(), strict=True)
    steps = [WeightSteps(start, tap, source=cell) for (start, tap), cell in places]
    problem.run(y, x, packed, [input_phases(axis) for axis in window.axes], steps)
    return True


def lower_local_weight(planner: Planner, node: Node) -> bool:
    """The gradient of locally connected weights: every cell is a part of its own."""
    operator = node.of(LocalWeight)
    window = operator.window
    if len(window.axes) > MOST_WINDOW_AXES:
        return False
    x = planner.read(node.inputs[0])
    return lower_weights(planner, node, x, window, operator.groups, True, local=True)


def _local_bias(planner: Planner, value: Value) -> Place:
    """A bias of every cell, (O, *P), as (1, O, *P) with its channels innermost."""
    place = planner.read(value)
    return planner.copied(place.viewed((1, *place.shape), (0, *place.strides)), "last")


LOWERINGS: dict[type[Operator], Lowering] = {
    Local: of_floats(lower_local),
    LocalTranspose: of_floats(lower_local_transpose),
    LocalWeight: of_floats(lower_local_weight),
}
