"""Operators that move values: most only say that a result lies where its operand lies."""

from __future__ import annotations

import numpy as np

from allconv.engine.kernels.convert import lower_convert
from allconv.engine.kernels.copy import add_copy
from allconv.engine.place import Place, layout_strides, reshaped_strides
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.arrange import (
    Concatenate,
    Convert,
    Pad,
    Reshape,
    Slice,
    Transpose,
    Unslice,
)
from allconv.operators.base import Operator
from allconv.operators.elementary import FromWhole, ToWhole
from allconv.operators.reduce import Broadcast


def lower_reshape(planner: Planner, node: Node) -> bool:
    """The same memory, or a copy where the new axes do not fit its strides.

    What has its channels innermost keeps them there, as when channels are shuffled.
    """
    operator = node.of(Reshape)
    place = planner.read(node.inputs[0])
    strides = reshaped_strides(place, operator.to)
    if strides is None and _innermost(place) < len(place.shape) - 1:
        spec = node.outputs[0].spec
        last = Place(place.storage, spec, layout_strides(spec, "last"))
        if reshaped_strides(last, place.shape) is not None:
            out = planner.result(node.outputs[0])
            seen = reshaped_strides(out, place.shape)
            if seen is None:
                raise ValueError(f"{out} is no part of channels last")
            add_copy(planner, place, out.viewed(place.shape, seen))
            return True
    if strides is None:
        place = planner.read(node.inputs[0], "rows")
        strides = reshaped_strides(place, operator.to)
    if strides is None:
        raise ValueError(f"a row-major array of {place.shape} does not reshape to {operator.to}")
    planner.alias(node.outputs[0], place.viewed(operator.to, strides))
    return True


def _innermost(place: Place) -> int:
    """The axis along which elements lie closest."""
    axes = [axis for axis, n in enumerate(place.shape) if n > 1]
    return min(axes, key=lambda axis: (abs(place.strides[axis]), -axis), default=0)


def lower_transpose(planner: Planner, node: Node) -> bool:
    """The same memory with its axes in another order."""
    operator = node.of(Transpose)
    place = planner.read(node.inputs[0])
    shape = tuple(place.shape[a] for a in operator.order)
    strides = tuple(place.strides[a] for a in operator.order)
    planner.alias(node.outputs[0], place.viewed(shape, strides))
    return True


def lower_slice(planner: Planner, node: Node) -> bool:
    """The same memory with other strides."""
    operator = node.of(Slice)
    planner.alias(node.outputs[0], _sliced(planner.read(node.inputs[0]), operator))
    return True


def _sliced(place: Place, cut: Slice | Unslice) -> Place:
    offset = sum(a * s for a, s in zip(cut.start, place.strides, strict=True))
    strides = tuple(a * s for a, s in zip(cut.step, place.strides, strict=True))
    return place.viewed(cut.count, strides, offset)


def lower_broadcast(planner: Planner, node: Node) -> bool:
    """The same memory with strides of 0."""
    operator = node.of(Broadcast)
    place = planner.read(node.inputs[0])
    lead = len(operator.to) - len(place.shape)
    strides = (0,) * lead + tuple(
        0 if n == 1 else stride for n, stride in zip(place.shape, place.strides, strict=True)
    )
    planner.alias(node.outputs[0], place.viewed(operator.to, strides))
    return True


def lower_pad(planner: Planner, node: Node) -> bool:
    """A constant everywhere, then the operand in its middle."""
    operator = node.of(Pad)
    place = planner.read(node.inputs[0])
    layout = "last" if place.has("last") else "rows"
    out = planner.result(node.outputs[0], layout)
    starts = [low for low, _ in operator.pairs]
    if any(low > 0 or high > 0 for low, high in operator.pairs):
        fill(planner, out, operator.value)
    shape = tuple(
        n + min(low, 0) + min(high, 0)
        for n, (low, high) in zip(place.shape, operator.pairs, strict=True)
    )
    if min(shape, default=1) > 0:
        kept = place.viewed(shape, place.strides, _offset(place, [max(-low, 0) for low in starts]))
        middle = out.viewed(shape, out.strides, _offset(out, [max(low, 0) for low in starts]))
        add_copy(planner, kept, middle)
    return True


def lower_unslice(planner: Planner, node: Node) -> bool:
    """Zeros everywhere, then the operand in its cells."""
    operator = node.of(Unslice)
    place = planner.read(node.inputs[0])
    out = planner.result(node.outputs[0], "last" if place.has("last") else "rows")
    fill(planner, out, 0.0)
    add_copy(planner, place, _sliced(out, operator))
    return True


def lower_concatenate(planner: Planner, node: Node) -> bool:
    """Each operand in its part of the result, where some have been written at once."""
    operator, result = node.of(Concatenate), node.outputs[0]
    places = [planner.read(value) for value in node.inputs]
    out = planner.places.get(result)
    if out is None:
        layout = "last" if all(place.has("last") for place in places) else "rows"
        out = planner.result(result, layout)
    start = 0
    for place in places:
        part = out.viewed(place.shape, out.strides, start * out.strides[operator.axis])
        if (place.storage, place.offset) != (part.storage, part.offset):
            add_copy(planner, place, part)
        start += place.shape[operator.axis]
    return True


def fill(planner: Planner, out: Place, value: float) -> None:
    """Add the steps that set every element of a place."""
    number = planner.constant(np.array(value, out.spec.dtype))
    add_copy(planner, number.viewed(out.shape, (0,) * len(out.shape)), out)


def _offset(place: Place, start: list[int]) -> int:
    return sum(a * s for a, s in zip(start, place.strides, strict=True))


LOWERINGS: dict[type[Operator], Lowering] = {
    Reshape: lower_reshape,
    Transpose: lower_transpose,
    Slice: lower_slice,
    Broadcast: lower_broadcast,
    Pad: lower_pad,
    Unslice: lower_unslice,
    Concatenate: lower_concatenate,
    Convert: lower_convert,
    FromWhole: lower_convert,
    ToWhole: lower_convert,
}
