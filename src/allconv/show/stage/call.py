"""From a recorded call to the state that shows it with the user's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, LimitError, ShapeError, UnsupportedError
from allconv.intake.settings import choice
from allconv.operators.base import Array
from allconv.operators.correlate import TransposeView, WeightView
from allconv.operators.pool import AveragePool, MaxPool
from allconv.show.operand import Operand, WindowCall
from allconv.show.page.shared import LIMITS
from allconv.show.stage.model import StageModel, model_of
from allconv.show.stage.settings import PAIRS, ROLES, Pair, Role
from allconv.show.stage.state import State, pair_of, sides_of, state_of_axes
from allconv.show.stage.values import coordinates, divisors_of, drawn, place_key
from allconv.show.working import is_flipped
from allconv.window import Axis

Index = tuple[int, ...]

INSTEAD = "ac.working writes it out as text"
ARRAYS = {"input": "x", "kernel": "w"}
"""Sizes, and the arrays that have them."""


def state_of_call(
    call: WindowCall,
    upstream: Array | None = None,
    *,
    leave: Role = "y",
    at: int | Sequence[int] | None = None,
) -> tuple[State, str]:
    """The state of a call, and what it leaves out of it (empty: nothing).

    upstream  the gradient of the window's result, in its shape; None: small whole numbers
    leave     the array that is left out: "y" forward, "x" and "w" for their gradients
    at        the cell of it, by the index that the user's array has; None: the first

    Of a batch the first image is shown. UnsupportedError where a page has no such layer, LimitError
    where it is too large, ArgumentError for a cell that is not there.
    """
    _check_shown(call)
    role = _role(call, leave)
    call, axes, cut = _unpadded(call)
    state = _layer(call, axes, cut)
    _check_limits(state)
    model = model_of(state)
    _check_same(call, state, model, axes)
    arrays = _arrays(call, state, upstream)
    edits: dict[str, float] = {}
    for name, array in arrays.items():
        edits |= _edits(name, array, state, model)
    batch = len(_operand(call, "x").labels)
    note = f"the first of {batch} images" if batch > 1 else ""
    place = 0 if at is None else _place(call, role, at)
    return replace(state, leave=role, at=place, edits=edits), note


def _check_shown(call: WindowCall) -> None:
    """Refuse what a page has no panels for."""
    operator = call.operator
    axes = len(operator.window.axes)
    if axes > 2:
        raise UnsupportedError(f"a page shows 1 or 2 axes, and this layer has {axes}; {INSTEAD}")
    if isinstance(operator, WeightView):
        raise UnsupportedError(
            "this call computes the gradient of weights; pass the forward layer, and leave='w'"
        )
    if isinstance(operator, TransposeView) and getattr(operator, "is_local", False):
        raise UnsupportedError(
            f"a page has no transposed layers that are locally connected; {INSTEAD}"
        )
    if call.divisor is not None:
        raise UnsupportedError(f"a page does not show divisor_override; leave it out, or {INSTEAD}")
    for operand in (*call.operands, call.result):
        if not operand.labels.size:
            raise UnsupportedError(f"{operand.name} is {operand.shape}: there is nothing to show")
        if not np.isfinite(operand.values).all():
            raise UnsupportedError(f"{operand.name} holds NaN or infinity; a page takes numbers")
    labels = _operand(call, "x").labels
    seen = labels[labels > 0]
    if np.unique(seen).size != seen.size:
        raise UnsupportedError(
            "cells of the input stand in its padding, and a page has zeros there; use padding_mode="
            f'"zeros", or {INSTEAD}'
        )


def _role(call: WindowCall, leave: str) -> Role:
    choice("leave", leave, ROLES)
    if leave == "w" and isinstance(call.operator, MaxPool | AveragePool):
        raise ArgumentError('leave is "w", and pooling has no weights; use "x" or "y"')
    return leave  # type: ignore[return-value]  # of ROLES


def _operand(call: WindowCall, name: str) -> Operand:
    return next(each for each in call.operands if each.name == name)


def _unpadded(call: WindowCall) -> tuple[WindowCall, list[Axis], list[Pair]]:
    """The call without the zeros that were put around its input before the window, the axes on the
    smaller input, and how many there were: they are padding as any other.

    A maximum takes such zeros for numbers, so there they stay.
    """
    axes = list(call.operator.window.axes)
    x = _operand(call, "x")
    none = [(0, 0)] * len(axes)
    if isinstance(call.operator, MaxPool) or (x.values[x.labels == 0] != 0).any():
        return call, axes, none
    cut: list[Pair] = []
    for n in range(len(axes)):
        others = tuple(each for each in range(x.labels.ndim) if each != n + 2)
        (held,) = np.nonzero((x.labels != 0).any(axis=others))
        size = x.labels.shape[n + 2]
        cut.append((int(held[0]), size - 1 - int(held[-1])) if held.size else (0, 0))
    if not any(map(any, cut)) or isinstance(call.operator, TransposeView):
        return call, axes, none
    inside: Any = (
        ...,
        *(slice(low, x.labels.shape[n + 2] - high) for n, (low, high) in enumerate(cut)),
    )
    small = replace(x, values=x.values[inside], labels=x.labels[inside])
    operands = tuple(small if each is x else each for each in call.operands)
    moved = [axis.moved(-low, -high) for axis, (low, high) in zip(axes, cut, strict=True)]
    return replace(call, operands=operands), moved, cut


def _layer(call: WindowCall, axes: list[Axis], cut: list[Pair]) -> State:
    """The settings of the layer, without its numbers."""
    operator = call.operator
    x, groups = _operand(call, "x"), getattr(operator, "groups", 1)
    bias = any(each.name == "b" for each in call.operands)
    if not axes:
        return _linear(call, bias)
    swap = isinstance(operator, TransposeView)
    outputs = call.result.labels.shape[1]
    op = _operator_name(call)
    channels = (x.labels.shape[1], outputs)
    state = state_of_axes(op, axes, channels=channels, groups=groups, bias=bias)
    if isinstance(operator, MaxPool | AveragePool):
        return _pooling(state, operator, axes, any(map(any, cut)))
    if swap:
        return _transposed(state, axes)
    sides = [_ends(axis) for axis in axes]
    return replace(state, padding=sides_of(sides)) if any(map(any, sides)) else state


def _operator_name(call: WindowCall) -> str:
    operator = call.operator
    if isinstance(operator, MaxPool):
        return "max_pool"
    if isinstance(operator, AveragePool):
        return "avg_pool"
    if isinstance(operator, TransposeView):
        return "conv_transpose"
    if getattr(operator, "is_local", False):
        return "local"
    return "true_conv" if is_flipped(operator, _operand(call, "w")) else "conv"


def _linear(call: WindowCall, bias: bool) -> State:
    """A linear layer: a window as large as its input, which is an image where the user's is one.

    What has two axes is an image where it fits, else channels of a line.
    """
    x, outputs = _operand(call, "x"), call.result.labels.shape[1]
    features = x.labels.shape[1]
    shape = x.shape
    while shape and prod(shape) > features:
        shape = shape[1:]  # the batch
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    if prod(shape) != features or len(shape) > 3:
        shape = (features,)
    is_line = len(shape) == 2 and max(shape) > LIMITS["plane"]["input"]
    channels, *size = shape if len(shape) == 3 or is_line else (1, *shape)
    input, both = pair_of(size), (channels, outputs)
    return State("linear", len(size), input, kernel=input, channels=both, bias=bias)


def _pooling(
    state: State, operator: MaxPool | AveragePool, axes: list[Axis], is_padded: bool
) -> State:
    """Padding that was put around the input counts among the cells that a mean divides by."""
    sides = sides_of([(axis.padding, axis.padding) for axis in axes])
    is_ceil = any(axis.high > axis.padding for axis in axes)
    counted = is_padded or getattr(operator, "count_padding", True)
    return replace(state, padding=sides, ceil=is_ceil, count_padding=counted)


def _transposed(state: State, axes: list[Axis]) -> State:
    """As many cells at both ends are left out as can be; those over are output padding."""
    sides, extras = [], []
    for axis in axes:
        extra = axis.padding - axis.high
        fits = extra == 0 or 0 < extra < max(axis.stride, axis.dilation)
        sides.append((axis.padding, axis.padding if fits else axis.high))
        extras.append(extra if fits else 0)
    if any(axis.input_dilation > 1 for axis in axes):
        raise UnsupportedError(f"a page has no transposed layers with input_dilation; {INSTEAD}")
    if any(map(any, sides)):
        state = replace(state, padding=sides_of(sides))
    return replace(state, output_padding=pair_of(extras, 0))


def _ends(axis: Axis) -> Pair:
    """The padding of both ends: the same where that gives the same output."""
    same = axis.high <= axis.padding < axis.high + axis.stride
    return axis.padding, axis.padding if same else axis.high


def _check_limits(state: State) -> None:
    """Refuse numbers that a page does not draw."""
    limits = state.limits()
    for name in (*PAIRS, "channels"):
        if name == "kernel" and state.op == "linear":
            continue
        pair: Pair = getattr(state, name)
        own = pair if name == "channels" else pair[2 - state.dim :]
        _check_numbers(name.replace("_", " "), own, limits[name])
    if not isinstance(state.padding, str):
        for ends in state.padding:
            _check_numbers("padding", ends, limits["padding"])


def _check_same(call: WindowCall, state: State, model: StageModel, axes: list[Axis]) -> None:
    """Refuse a layer that the settings of a page do not mean."""
    same = not axes or list(model.axes[2 - state.dim :]) == axes
    if isinstance(call.operator, AveragePool):
        counts = [int(count) for count in call.operator.counts().ravel()]
        same = same and divisors_of(model, state.count_padding) == counts
    if not same:
        raise UnsupportedError(f"a page has no padding such as this layer's; {INSTEAD}")


def _check_numbers(name: str, numbers: Sequence[int], limits: Pair) -> None:
    low, high = limits
    if min(numbers) < low or max(numbers) > high:
        given = " x ".join(map(str, numbers))
        part = ""
        if name in ARRAYS:  # else a setting, of which there are no parts
            cut = ", ".join(["...", *[f":{high}"] * len(numbers)])
            part = f"pass a part (in Python {ARRAYS[name]}[{cut}]), or "
        raise LimitError(f"{name} is {given}; a page draws {low} to {high}: {part}{INSTEAD}")


def _arrays(call: WindowCall, state: State, upstream: Array | None) -> dict[str, Array]:
    """The values of x, w, b and g in the order of the page, of the first image."""
    arrays = {"x": _own(_operand(call, "x"))[0]}
    if not state.is_pool:
        kernel = _operand(call, "w")
        w = _own(kernel)
        if state.op == "true_conv":
            w = np.flip(w, axis=tuple(range(2, w.ndim)))
        arrays["w"] = w
    if state.bias:
        arrays["b"] = _bias(_own(_operand(call, "b")))
    if upstream is not None:
        if not np.isfinite(upstream).all():
            raise UnsupportedError("grad_output holds NaN or infinity; a page takes numbers")
        arrays["g"] = upstream[0]
    return arrays


def _bias(bias: Array) -> Array:
    """One number a channel."""
    each = bias.reshape(len(bias), -1)
    if (each != each[:, :1]).any():
        raise ShapeError(
            f"the bias is {bias.shape}, one a cell; a page shows one a channel: leave the bias out"
        )
    return each[:, 0]


def _own(operand: Operand) -> Array:
    """The values as float64: of float32 the shortest numbers that are the same float32."""
    if operand.dtype not in ("float16", "float32"):
        return np.asarray(operand.values, np.float64)
    narrow = operand.values.astype(operand.dtype)
    return np.array([float(str(each)) for each in narrow.ravel()]).reshape(narrow.shape)


def _edits(name: str, array: Array, state: State, model: StageModel) -> dict[str, float]:
    """The values as edits, none where they are the drawn ones."""
    values = [float(each) for each in array.ravel()]
    places = coordinates(model, name)
    if len(values) != len(places):
        raise ShapeError(f"{name} has {len(values)} cells; the page has {len(places)}")
    pairs = list(zip(places, values, strict=True))
    if all(drawn(name, state, place) == value for place, value in pairs):
        return {}
    return {place_key(name, place): value for place, value in pairs}


def _place(call: WindowCall, role: Role, at: int | Sequence[int]) -> int:
    """The place on the page of a cell of the user's array."""
    operand = call.result if role == "y" else _operand(call, role)
    index = tuple(at) if isinstance(at, Sequence) else (at,)
    places = np.arange(prod(operand.shape)).reshape(operand.shape)
    try:
        label = places[index]
    except (IndexError, TypeError, ValueError, OverflowError):
        label = None
    if label is None or np.ndim(label):
        raise ArgumentError(f"at is {at}; the index of one cell of {operand.name}, which is "
                            f"{operand.shape}, is expected")  # fmt: skip
    cells = operand.cells(tuple(int(n) for n in np.unravel_index(int(label), operand.shape)))
    if not cells:
        raise ArgumentError(f"at is {at}, a cell of {operand.name} that the page does not show")
    cell, shape = cells[0], operand.labels.shape
    if role != "w":
        if cell[0]:
            raise ArgumentError(f"at is {at}; of a batch the page shows the first image")
        return int(np.ravel_multi_index(cell[1:], shape[1:]))
    if _operator_name(call) == "true_conv":  # the page has the user's kernel, the window turned it
        pairs = zip(cell[2:], shape[2:], strict=True)
        cell = (*cell[:2], *(size - 1 - k for k, size in pairs))
    return int(np.ravel_multi_index(cell, shape))
