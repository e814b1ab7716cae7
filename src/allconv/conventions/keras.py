"""Calls of Keras: one layer given the weights, on the backend that is installed, channels last."""

from __future__ import annotations

from typing import Any

from allconv.conventions.layouts import LAYOUTS
from allconv.conventions.problem import Problem
from allconv.conventions.writing import (
    cut_full,
    names_of,
    pad,
    spelled,
    spread_taps,
    strided,
    unless,
)
from allconv.errors import UnsupportedError

LAYOUT = LAYOUTS["keras"]
IMAGE = LAYOUT.image


def _padded(problem: Problem, fill: str = "", *, causal: bool = False) -> tuple[list[str], str]:
    """Lines that pad what Keras has no name for, and the name that is left."""
    if any(end for pair in problem.ends for end in pair):
        (first, *_), axis = problem.ends, problem.window.axes[0]
        if problem.is_same:
            return [], "same"
        if causal and problem.axes == 1 and first == (axis.reach - 1, 0):
            return [], "causal"
    return pad("x", problem.ends, IMAGE, fill=fill), "valid"


def _layer(name: str, arguments: str, weights: list[str], **settings: Any) -> list[str]:
    """The lines that make a layer, give it its weights and call it."""
    return [
        f"layer = keras.layers.{name}({arguments}{spelled(**settings)})",
        "layer.build(x.shape)",
        f"layer.set_weights([{', '.join(weights)}])",
        "y = layer(x)",
    ]


def _both(problem: Problem) -> bool:
    """Stride and dilation together, which Keras refuses."""
    return max(problem.stride) > 1 and max(problem.dilation) > 1


def _convolution(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    both = _both(problem)
    lines, padding = _padded(problem, causal=not problem.is_depthwise)
    if both and padding == "same":
        lines, padding = pad("x", problem.ends, IMAGE), "valid"
    uneven = problem.is_depthwise and len(set(problem.stride)) > 1
    if uneven:
        lines, padding = pad("x", problem.ends, IMAGE), "valid"
    after = both or uneven
    settings: dict[str, Any] = {
        "strides": None if after else unless(problem.stride, 1),
        "padding": padding,
        "dilation_rate": unless(problem.dilation, 1),
        "use_bias": None if bias else False,
    }
    weights = [kernel, *[bias] * problem.has_bias]
    if problem.is_depthwise:
        arguments = f"{problem.window.kernel}, depth_multiplier={kernel}.shape[-1]"
        made = _layer("DepthwiseConv2D", arguments, weights, **settings)
    else:
        settings["groups"] = problem.groups if problem.groups > 1 else None
        arguments = f"{kernel}.shape[-1], {problem.window.kernel}"
        made = _layer(f"Conv{problem.axes}D", arguments, weights, **settings)
    every = strided(IMAGE, problem.stride)
    return [*lines, *made, *([f"y = y{every}"] if after else [])]


def _transposed(problem: Problem) -> list[str]:
    if problem.groups > 1:
        raise UnsupportedError('Keras has no groups in transposed layers; "tensorflow" has a call')
    kernel, bias = names_of(problem, LAYOUT)
    lines = spread_taps(kernel, problem.window, LAYOUT.transposed) if _both(problem) else []
    sizes = tuple(a.reach for a in problem.window.axes)
    rate = None if _both(problem) else unless(problem.dilation, 1)
    whole = all(a.input == a.stride * a.output for a in problem.window.axes)
    same = problem.is_same and whole and not _both(problem)
    arguments = f"{kernel}.shape[-2], {sizes if _both(problem) else problem.window.kernel}"
    lines += _layer(
        f"Conv{problem.axes}DTranspose",
        arguments,
        [kernel, *[bias] * (problem.has_bias and same)],
        strides=unless(problem.stride, 1),
        padding="same" if same else "valid",
        dilation_rate=rate,
        use_bias=None if bias and same else False,
    )
    if same:
        return lines
    lines += cut_full(problem, IMAGE)
    return lines + [f"y = y + {bias}"] * problem.has_bias


def _linear(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    weights = [kernel, *[bias] * problem.has_bias]
    use = None if bias else False
    return _layer("Dense", f"{kernel}.shape[-1]", weights, use_bias=use)


def _pooling(problem: Problem) -> list[str]:
    largest = problem.kind == "max pooling"
    if set(problem.dilation) != {1}:
        raise UnsupportedError('Keras has no dilation in pooling; "tensorflow" has a call')
    lines, padding = _padded(problem, ", constant_values=-np.inf" if largest else "")
    if not largest and padding == "same" and problem.count_padding:
        lines, padding = pad("x", problem.ends, IMAGE), "valid"
    if lines and not problem.count_padding:
        raise UnsupportedError('Keras leaves out only the padding of "same"')
    name = f"{'Max' if largest else 'Average'}Pooling{problem.axes}D"
    settings = spelled(strides=problem.stride, padding=padding)
    return [*lines, f"y = keras.layers.{name}({problem.window.kernel}{settings})(x)"]


def _norm(problem: Problem) -> list[str]:
    weights = ["gamma", "beta"] if problem.has_weight else []
    return _layer(
        "BatchNormalization",
        f"epsilon={problem.eps!r}",
        [*weights, "moving_mean", "moving_variance"],
        center=None if weights else False,
        scale=None if weights else False,
    )


WRITERS = {
    "convolution": _convolution,
    "transposed": _transposed,
    "linear": _linear,
    "max pooling": _pooling,
    "average pooling": _pooling,
    "batch normalisation": _norm,
}
