"""A layer's operator stage on the real numbers of a small window of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from allconv.graph import Node
from allconv.operators.base import Array
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.windowed import WindowOperator
from allconv.picture.markup import Markup, element
from allconv.show.stage.picture import StagePicture
from allconv.show.stage.state import State, sides_of, state_of_axes
from allconv.show.stage.step import spoken
from allconv.show.stage.svg import scene_svg
from allconv.show.stage.values import coordinates, place_key
from allconv.window import Axis, Span, Window

PLACES = 2  # of the window, each way
CHANNELS = 2  # of the input
INPUTS = 9  # of a linear layer
WIDEST = 12  # cells of a side; wider windows are not drawn
WIDTH = 720.0


@dataclass(frozen=True)
class Glimpse:
    """A small part of a layer with its numbers, and what it leaves out."""

    state: State
    note: str


def glimpse_of(node: Node, operands: Sequence[Array]) -> Glimpse | None:
    """A part of a layer around the middle of what it gives; None where nothing can be drawn.

    `operands` are the arrays of `node.inputs`. Of its result one channel is shown, and of the input
    the first few that go into it.
    """
    operator = node.operator
    if not isinstance(operator, Correlate | CorrelateTranspose | MaxPool | AveragePool):
        return None
    if not operator.window.axes:
        return _linear(operator, operands)
    if len(operator.window.axes) > 2:
        return None
    spans = [_spans(operator, axis) for axis in operator.window.axes]
    if any(end - start > WIDEST for pair in spans for start, end in pair):
        return None
    axes = tuple(
        axis.between(*pair) for axis, pair in zip(operator.window.axes, spans, strict=True)
    )
    return _windowed(operator, Window(axes), spans, operands)


def _spans(operator: WindowOperator, axis: Axis) -> tuple[Span, Span]:
    """Inputs and outputs of the one relation: a few cells of the result, and all that they meet."""
    if isinstance(operator, CorrelateTranspose):
        first = max((axis.input - axis.stride * PLACES) // 2, 0)
        made = (first, min(first + axis.stride * PLACES, axis.input))
        return made, axis.outputs_met(made)
    first = max((axis.output - PLACES) // 2, 0)
    made = (first, min(first + PLACES, axis.output))
    return axis.inputs_met(made), made


def _windowed(
    operator: WindowOperator,
    window: Window,
    spans: Sequence[tuple[Span, Span]],
    operands: Sequence[Array],
) -> Glimpse | None:
    is_transposed = isinstance(operator, CorrelateTranspose)
    cut: Any = tuple(slice(*pair[1 if is_transposed else 0]) for pair in spans)
    if isinstance(operator, MaxPool | AveragePool):
        op = "max_pool" if isinstance(operator, MaxPool) else "avg_pool"
        if isinstance(operator, AveragePool) and not _is_inside(window):
            return None  # at an edge the divisor depends on what lies beyond
        state = _state(op, window, (1, 1))
        return _filled(state, {"x": operands[0][0, :1][(slice(None), *cut)]}, "")
    weight, x = (operands[0], operands[1]) if is_transposed else (operands[1], operands[0])
    groups = operator.groups if isinstance(operator, Correlate | CorrelateTranspose) else 1
    each = x.shape[1] // groups
    shown = min(each, CHANNELS)
    kernel = weight[:shown, :1] if is_transposed else weight[:1, :shown]
    state = _state("conv_transpose" if is_transposed else "conv", window, (shown, 1))
    arrays = {"x": x[0, :shown][(slice(None), *cut)], "w": kernel}
    return _filled(state, arrays, _note(each, shown, len(operands) > 2))


def _is_inside(window: Window) -> bool:
    return all(axis.padding <= 0 and axis.high <= 0 for axis in window.axes)


def _state(op: str, window: Window, channels: tuple[int, int]) -> State:
    sides = sides_of([(axis.padding, axis.high) for axis in window.axes])
    return state_of_axes(op, window.axes, padding=sides, channels=channels)


def _linear(operator: WindowOperator, operands: Sequence[Array]) -> Glimpse | None:
    """The first inputs and the first output of a linear layer."""
    if not isinstance(operator, Correlate) or operator.groups != 1:
        return None
    x, weight = operands[0], operands[1]
    shown = min(x.shape[1], INPUTS)
    state = State(op="linear", dim=1, input=(1, shown), kernel=(1, shown))
    arrays = {"x": x[0, :shown], "w": weight[0, :shown]}
    return _filled(state, arrays, _note(x.shape[1], shown, len(operands) > 2, "inputs"))


def _note(all_of: int, shown: int, has_bias: bool, what: str = "channels") -> str:
    """What the sum lacks, in words."""
    lacking = []
    if shown < all_of:
        lacking.append(f"the other {all_of - shown:,} {what}")
    if has_bias:
        lacking.append("its bias")
    if not lacking:
        return ""
    if shown == all_of:
        return "The layer adds its bias to this sum."
    return f"{shown} of {all_of:,} {what}; the layer adds {' and '.join(lacking)}."


def _filled(state: State, arrays: dict[str, Array], note: str) -> Glimpse | None:
    """The state with its numbers; None where there is nothing to see, or no number."""
    picture = StagePicture.of(state)
    edits: dict[str, float] = {}
    for name, array in arrays.items():
        places = coordinates(picture.model, name)
        values = np.asarray(array, np.float64).ravel()
        if len(places) != values.size or not np.isfinite(values).all():
            return None
        edits |= {
            place_key(name, p): float(v) for p, v in zip(places, values.tolist(), strict=True)
        }
    return Glimpse(replace(state, edits=edits), note) if prod(picture.model.sizes["y"]) else None


def stage_section(glimpse: Glimpse, name: str) -> Markup:
    """The part of a layer's section that shows a small window of it.

    `name` distinguishes its gradients; the rules of `css/stage.css` are those of the page.
    """
    picture = StagePicture.of(glimpse.state)
    drawn = scene_svg(picture.scene(width=WIDTH), spoken(picture), name=name, styled=False)
    said = [element("p", glimpse.note, class_="soft")] if glimpse.note else []
    return element(
        "figure",
        element("figcaption", "A window in the middle of it, with its numbers"),
        element("div", drawn, class_="wide", tabindex=0, role="group", aria_label="The operator"),
        *said,
        class_="stage-figure",
    )
