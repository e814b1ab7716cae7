"""Lowering of the three views of a locally connected layer: direct kernels, weights that move."""

from __future__ import annotations

from collections.abc import Callable

from allconv.engine.kernels.direct_convolution import DirectConvolution, WeightSteps, of_floats
from allconv.engine.kernels.pack import pack
from allconv.engine.kernels.result import place_result
from allconv.engine.kernels.weight_steps import lower_weights
from allconv.engine.phases import Phase, input_phases, output_phases
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.intake.limits import MOST_WINDOW_AXES
from allconv.operators.base import Operator
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.value import Value
from allconv.window import Axis


def lower_local(planner: Planner, node: Node) -> bool:
    """y from x and w: the weights move with the cell that is written."""
    return _lower(planner, node, node.of(Local), node.inputs[0], node.inputs[1], output_phases)


def lower_local_transpose(planner: Planner, node: Node) -> bool:
    """x from w and y: the weights move with the cell that is read."""
    operator = node.of(LocalTranspose)
    return _lower(planner, node, operator, node.inputs[1], node.inputs[0], input_phases)


def _lower(
    planner: Planner,
    node: Node,
    operator: Local | LocalTranspose,
    read: Value,
    weights: Value,
    phases: Callable[[Axis], tuple[Phase, ...]],
) -> bool:
    """Fill the tile with the batch, as every cell has weights of its own."""
    window = operator.window
    if len(window.axes) > MOST_WINDOW_AXES:
        return False
    image, w = planner.read(read), planner.read(weights)
    bias = _local_bias(planner, node.inputs[2]) if len(node.inputs) > 2 else None
    result, tail = place_result(planner, node)
    if result.spec.size == 0:
        return True
    packed = pack(planner, operator, w)
    convolution = DirectConvolution(planner, operator.groups, bias, tail, image.shape[0])
    moves = "cell" if isinstance(operator, Local) else "source"
    places = zip(packed.by_tap(), packed.by_position(), strict=True)
    steps = [WeightSteps(start, tap, **{moves: cell}) for (start, tap), cell in places]
    convolution.run(image, result, packed, [phases(axis) for axis in window.axes], steps)
    return True


def lower_local_weight(planner: Planner, node: Node) -> bool:
    """w from x and y: every cell is a part of its own."""
    operator = node.of(LocalWeight)
    if len(operator.window.axes) > MOST_WINDOW_AXES:
        return False
    x = planner.read(node.inputs[0])
    return lower_weights(planner, node, x, operator.window, operator.groups, True, local=True)


def _local_bias(planner: Planner, value: Value) -> Place:
    """A bias of every cell, (O, *P), as (1, O, *P) with its channels innermost."""
    place = planner.read(value)
    return planner.copied(place.viewed((1, *place.shape), (0, *place.strides)), "last")


LOWERINGS: dict[type[Operator], Lowering] = {
    Local: of_floats(lower_local),
    LocalTranspose: of_floats(lower_local_transpose),
    LocalWeight: of_floats(lower_local_weight),
}
