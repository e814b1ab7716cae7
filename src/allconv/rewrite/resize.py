"""A graph for other sizes: what its operators become on another batch or a larger image.

1  a window                -> the same kernel, steps and padding, as many outputs as now fit
2  a transposed window     -> the same, solved for its input
3  reshape, slice          -> the batch follows; a slice keeps what it takes whole
4  everything else         -> itself
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allconv.errors import UnsupportedError
from allconv.graph import Graph, Node
from allconv.operators.arrange import Reshape, Slice
from allconv.operators.base import Operator, Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.reduce import Broadcast
from allconv.trace import Builder
from allconv.value import Value
from allconv.window import Axis, Window


def resized(graph: Graph, shape: tuple[int, ...]) -> Graph:
    """The graph whose first input has another shape; windows slide over all that there is."""
    builder = Builder()

    def for_size(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        before, now = ([value.spec for value in each] for each in (node.inputs, inputs))
        results = builder.apply(_operator(node.operator, before, now), *inputs)
        return results if isinstance(results, tuple) else (results,)

    first, *rest = graph.inputs
    operands = [builder.input(first.spec.with_shape(shape), first.name)]
    operands += [builder.input(value.spec, value.name) for value in rest]
    here = builder.inline(graph, operands, for_size)
    return builder.graph([here[value] for value in graph.outputs])


def _operator(operator: Operator, before: Sequence[Spec], now: Sequence[Spec]) -> Operator:
    """The operator for operands `now`, that was recorded for operands `before`."""
    if all(a.shape == b.shape for a, b in zip(before, now, strict=True)):
        return operator
    match operator:
        case Correlate() | MaxPool() | AveragePool():
            axes = map(_grown, operator.window.axes, now[0].shape[2:])
            return replace(operator, window=Window(tuple(axes)))
        case CorrelateTranspose():
            axes = map(_grown_transpose, operator.window.axes, now[1].shape[2:])
            return replace(operator, window=Window(tuple(axes)))
        case Reshape(to) | Broadcast(to):
            return replace(operator, to=_batch(operator, to, before[0].shape, now[0].shape))
        case Slice():
            return _slice(operator, before[0].shape, now[0].shape)
    return operator


def _grown(axis: Axis, size: int) -> Axis:
    if size == axis.input:
        return axis
    return Axis.forward(
        size,
        axis.kernel,
        stride=axis.stride,
        dilation=axis.dilation,
        input_dilation=axis.input_dilation,
        padding=(axis.padding, axis.high),
    )


def _grown_transpose(axis: Axis, size: int) -> Axis:
    if size == axis.output:
        return axis
    if axis.input_dilation != 1:
        raise UnsupportedError(
            "a transposed convolution over a dilated input is supported for one image size only"
        )
    return Axis.transposed(
        size,
        axis.kernel,
        stride=axis.stride,
        dilation=axis.dilation,
        padding=(axis.padding, axis.high),
    )


def _batch(
    operator: Operator, to: tuple[int, ...], before: tuple[int, ...], now: tuple[int, ...]
) -> tuple[int, ...]:
    """A shape with another batch in front."""
    if before[1:] != now[1:] or to[:1] != before[:1]:
        raise UnsupportedError(
            f"{operator.name} from {before} to {to} is supported for images of this size only"
        )
    return (now[0], *to[1:])


def _slice(operator: Slice, before: tuple[int, ...], now: tuple[int, ...]) -> Slice:
    """Axes that were taken whole are taken whole; others may not change."""
    counts = list(operator.count)
    for axis, (old, new) in enumerate(zip(before, now, strict=True)):
        if old != new:
            if (operator.start[axis], operator.step[axis], counts[axis]) != (0, 1, old):
                raise UnsupportedError(
                    f"a slice of a part of axis {axis} is supported for images of one size only"
                )
            counts[axis] = new
    return replace(operator, count=tuple(counts))
