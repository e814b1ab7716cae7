"""A gradient as the correlation that it is: the one relation with its letters exchanged, drawn by
the same stage. dL/dW = Correlation(I, LO); dL/dI = Correlation(W_pad, LO_flip)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from allconv.show.stage.model import StageModel
from allconv.show.stage.settings import Role
from allconv.show.stage.values import Values
from allconv.window import Axis


@dataclass(frozen=True)
class Exchanged:
    """A correlation whose result is one channel of a gradient.

    values   its three arrays, flat
    at       the cell that was asked for, in its result
    back     for each cell of its result the cell of the gradient
    kernels  how many channels it sums over
    """

    model: StageModel
    values: dict[Role, list[float]]
    at: int
    back: list[int]
    kernels: int


def exchanged(model: StageModel, values: Values, leave: Role, at: int) -> Exchanged | None:
    """The correlation that gives the channel of the cell `at`; None where there is none."""
    if leave == model.small or model.local or model.pool:
        return None
    return _of_kernel(model, values, at) if leave == "w" else _of_big(model, values, leave, at)


def _correlation(model: StageModel, inputs: int, kernel: bool) -> StageModel:
    rows, columns = model.axes
    if kernel:
        return StageModel((_of_weights(rows), _of_weights(columns)), (0, 0), inputs=inputs)
    return StageModel((_of_input(rows), _of_input(columns)), (0, 0), inputs=inputs)


def _of_weights(axis: Axis) -> Axis:
    """(b, p, s, d) -> (b, p, d, s): the outputs are the taps."""
    return replace(
        axis,
        kernel=axis.output,
        output=axis.kernel,
        stride=axis.dilation,
        dilation=axis.stride,
    )


def _of_input(axis: Axis) -> Axis:
    """The kernel is read as the input, spread by the dilation."""
    return Axis(
        axis.kernel,
        axis.output,
        axis.input,
        axis.input_dilation,
        axis.stride,
        axis.dilation,
        axis.stride * (axis.output - 1) - axis.padding,
    )


def _of_kernel(model: StageModel, values: Values, at: int) -> Exchanged:
    """The gradient of one kernel."""
    taps, swap = model.taps, model.swap
    plane = at // taps
    input, output = next((i, o) for i, o, p in model.channel_pairs() if p == plane)
    x = _channel(values.x, model, "x", input)
    g = _channel(values.g, model, "y", output)
    order = range(taps)[::-1] if model.flip else range(taps)
    back = [plane * taps + tap for tap in order]
    return Exchanged(
        _correlation(model, 1, kernel=True),
        {"x": g if swap else x, "w": x if swap else g, "y": [values.gw[cell] for cell in back]},
        back.index(at),
        back,
        kernels=1,
    )


def _of_big(model: StageModel, values: Values, leave: Role, at: int) -> Exchanged:
    """One channel of the side that windows slide over: its kernels, over the other side turned
    round."""
    area = prod(model.sizes[leave])
    channel = at // area
    # (channel of the small side, plane of the weights) of every pair that this channel is in
    pairs = [
        (i, plane) if model.swap else (o, plane)
        for i, o, plane in model.channel_pairs()
        if (o if model.swap else i) == channel
    ]
    small = values.x if model.swap else values.g
    kernels, turned = [], []
    for other, plane in pairs:
        kernel = values.w[plane * model.taps : (plane + 1) * model.taps]
        kernels += kernel[::-1] if model.flip else kernel
        turned += _channel(small, model, model.small, other)[::-1]
    # The bias is added after the sum, and is not part of the correlation.
    bias = values.b[channel] if leave == "y" and values.b else 0.0
    result = values.y if leave == "y" else values.gx
    back = list(range(channel * area, (channel + 1) * area))
    return Exchanged(
        _correlation(model, len(pairs), kernel=False),
        {"x": kernels, "w": turned, "y": [result[cell] - bias for cell in back]},
        at % area,
        back,
        kernels=len(pairs),
    )


def _channel(array: list[float], model: StageModel, role: Role, channel: int) -> list[float]:
    area = prod(model.sizes[role])
    return array[channel * area : (channel + 1) * area]
