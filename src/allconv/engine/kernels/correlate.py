"""Lowering of the three views of a correlation to the algorithm that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from allconv.engine.choose import DEPTHWISE, WINOGRAD
from allconv.engine.fuse import FEW
from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.depthwise_steps import (
    add_depthwise,
    add_depthwise_weight,
    in_planes,
)
from allconv.engine.kernels.direct_convolution import DirectConvolution, WeightSteps, of_floats
from allconv.engine.kernels.group_steps import add_group_planes
from allconv.engine.kernels.pack import Packed, pack
from allconv.engine.kernels.planes_steps import direct_in_planes
from allconv.engine.kernels.result import head_of, place_result, weights_and_bias
from allconv.engine.kernels.weight_steps import lower_weights
from allconv.engine.kernels.winograd_steps import add_winograd, by_group, transpose_as_correlation
from allconv.engine.phases import Phase, input_phases, output_phases
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.intake.limits import MOST_WINDOW_AXES
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.value import Value
from allconv.window import Axis, Window

LARGE = 256  # pixels of images that are not transposed in advance, but for each split of channels


def lower_correlate(planner: Planner, node: Node) -> bool:
    """The forward pass; with the batch as an axis where each image gives one cell."""
    operator = node.of(Correlate)
    window = operator.window
    if len(window.axes) > MOST_WINDOW_AXES:
        return False
    w, bias = weights_and_bias(planner, node)
    algorithm = planner.algorithm(node)
    adjacent = all(axis.input_dilation == 1 for axis in window.axes[-1:])  # outputs of a phase
    if algorithm == DEPTHWISE:
        phases = [output_phases(axis) for axis in window.axes]
        _add_depthwise(planner, node, (node.inputs[0], w, bias), phases)
        return True
    y, tail = place_result(planner, node, rows=adjacent)
    if y.spec.size == 0:
        return True
    if algorithm in WINOGRAD:
        x = planner.read(node.inputs[0])
        weights = by_group(w, operator.groups)
        add_winograd(planner, x, weights, y, bias, tail, window, WINOGRAD[algorithm])
        return True
    phases = [output_phases(axis) for axis in window.axes]
    group, groups = planner.group(node), operator.groups
    single, x = all(axis.output == 1 for axis in window.axes), planner.read(group.source)
    alone = not group.before
    if alone and add_group_planes(planner, groups, group.source, w, y, bias, tail, phases):
        return True
    planes = alone and y.has("rows") and not single
    planes = planes and direct_in_planes(x, y, operator, planner.target)
    if not planes:
        x = read_pixels(planner, group.source, groups, None if single else node)
    batch = x.shape[0] if single else None
    packed = pack(planner, operator, w)
    convolution = DirectConvolution(
        planner, groups, bias, tail, batch, head_of(planner, node), planes
    )
    if batch is None and _run_as_matrix(convolution, x, y, packed, window):
        return True
    steps = [WeightSteps(start, tap) for start, tap in packed.by_tap()]
    convolution.run(x, y, packed, phases, steps)
    return True


def lower_correlate_transpose(planner: Planner, node: Node) -> bool:
    """The gradient of the input: its phases are the residues of the stride."""
    operator = node.of(CorrelateTranspose)
    window = operator.window
    if len(window.axes) > MOST_WINDOW_AXES:
        return False
    w = planner.read(node.inputs[0])
    bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
    algorithm = planner.algorithm(node)
    if algorithm == DEPTHWISE:
        phases = [input_phases(axis) for axis in window.axes]
        _add_depthwise(planner, node, (node.inputs[1], w, bias), phases)
        return True
    single = all(a.output == 1 and a.input_dilation == 1 and a.dilation == 1 for a in window.axes)
    adjacent = all(axis.stride == 1 for axis in window.axes[-1:])
    x, tail = place_result(planner, node, rows=adjacent and not single)
    if x.spec.size == 0:
        return True
    if algorithm in WINOGRAD:
        y = planner.read(node.inputs[1])
        weights, transposed = transpose_as_correlation(w, window, operator.groups)
        add_winograd(planner, y, weights, x, bias, tail, transposed, WINOGRAD[algorithm])
        return True
    y = read_pixels(planner, node.inputs[1], operator.groups, None if single else node)
    packed = pack(planner, operator, w)
    if single:
        convolution = DirectConvolution(planner, operator.groups, bias, tail, y.shape[0])
        steps = [WeightSteps(start, tap, cell=tap) for start, tap in packed.by_tap()]
        convolution.run(y, x, packed, [_single_phases(axis) for axis in window.axes], steps)
        return True
    convolution = DirectConvolution(planner, operator.groups, bias, tail, None)
    if _run_as_matrix(convolution, y, x, packed, window):
        return True
    steps = [WeightSteps(start, tap) for start, tap in packed.by_tap()]
    convolution.run(y, x, packed, [input_phases(axis) for axis in window.axes], steps)
    return True


def _add_depthwise(
    planner: Planner, node: Node, operands: tuple[Value, Place, Place | None],
    axes: Sequence[Sequence[Phase]],
) -> None:  # fmt: skip
    """Each channel by itself: channels last, or in row-major order where image and result do."""
    source, w, bias = operands
    x = planner.read(source)
    y, tail = place_result(planner, node, rows=in_planes(planner.target, x, axes))
    if y.spec.size:
        x = planner.read(source, "last") if y.is_last else x
        add_depthwise(planner, x, w, y, bias, tail, axes)


def _run_as_matrix(
    convolution: DirectConvolution, x: Place, y: Place, packed: Packed, window: Window
) -> bool:
    """A window of one cell as the product of a matrix of all pixels, if they lie as one row.

    Where images follow each other they are one, unless the epilogue must tell them apart.
    """
    plain = (1, 1, 1, 0)
    if any((a.kernel, a.stride, a.input_dilation, a.padding) != plain or a.input != a.output
           for a in window.axes):  # fmt: skip
        return False
    head = convolution.head
    images = not any(convolution.tail.by_image) and not (head and any(head.by_image))
    rows = [row_of_pixels(place, images=images) for place in (x, y)]
    if None in rows:
        rows = [row_of_pixels(place, images=False) for place in (x, y)]
    source, result = rows
    if source is None or result is None:
        return False
    cells = source.shape[2]
    convolution.run(source, result, packed, [output_phases(Axis(cells, 1, cells))], [WeightSteps()])
    return True


def row_of_pixels(place: Place, *, images: bool) -> Place | None:
    """(N, C, *P) seen as (N, C, prod P), or as (1, C, N*prod P), if pixels lie so."""
    axes = [*([0] if images else []), *range(2, len(place.shape))]
    runs = [(place.shape[a], place.strides[a]) for a in axes if place.shape[a] > 1]
    if any(outer[1] != inner[0] * inner[1] for outer, inner in pairwise(runs)):
        return None
    count, step = prod(n for n, _ in runs), runs[-1][1] if runs else place.item
    n = 1 if images else place.shape[0]
    return place.viewed((n, place.shape[1], count), (place.strides[0], place.strides[1], step))


def read_pixels(planner: Planner, value: Value, groups: int, user: Node | None = None) -> Place:
    """Images with channels last. They stay in rows if channels are so few that bands are packed
    from rows as well, or if they are large and `user` alone reads them, which transposes as it
    packs."""
    place = planner.read(value)
    if value.shape[1] // groups < FEW or place.strides[1] == place.item:
        return place
    alone = user is not None and planner.sole_user(value) is user
    if alone and place.strides[-1] == place.item and prod(place.shape[2:]) >= LARGE:
        return place
    return planner.read(value, "last")


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
    if len(window.axes) > MOST_WINDOW_AXES:
        return False
    if planner.algorithm(node) == DEPTHWISE:
        x, y = (planner.read(value, "last") for value in node.inputs)
        w = planner.result(node.outputs[0], "rows")
        if x.spec.size == 0 or y.spec.size == 0:
            fill(planner, w, 0.0)
        else:
            add_depthwise_weight(planner, x, y, w, window)
        return True
    x = read_pixels(planner, node.inputs[0], operator.groups)
    batch = all(axis.output == 1 for axis in window.axes)
    return lower_weights(planner, node, x, window, operator.groups, batch, local=False)


LOWERINGS: dict[type[Operator], Lowering] = {
    Correlate: of_floats(lower_correlate),
    CorrelateTranspose: of_floats(lower_correlate_transpose),
    CorrelateWeight: of_floats(lower_weight),
}
