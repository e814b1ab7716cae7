"""Calls of TensorFlow: `tf.nn` on NumPy arrays, channels last."""

from __future__ import annotations

from allconv.conventions.layouts import LAYOUTS
from allconv.conventions.problem import Problem
from allconv.conventions.writing import (
    cut_full,
    full_size,
    names_of,
    pad,
    plus,
    spelled,
    spread_taps,
    strided,
    unless,
)
from allconv.errors import UnsupportedError

LAYOUT = LAYOUTS["tensorflow"]
IMAGE, KERNEL = LAYOUT.image, LAYOUT.convolution


def _padded(problem: Problem, fill: str = "") -> tuple[list[str], str]:
    """Lines that pad what SAME and VALID cannot say, and which of the two is left."""
    if any(end for pair in problem.ends for end in pair) and problem.is_same:
        return [], "SAME"
    return pad("x", problem.ends, IMAGE, call="tf.pad", fill=fill), "VALID"


def _convolution(problem: Problem) -> list[str]:
    if problem.is_depthwise:
        return _depthwise(problem)
    kernel, bias = names_of(problem, LAYOUT)
    lines, padding = _padded(problem)
    both = max(problem.stride) > 1 and max(problem.dilation) > 1
    if both and padding == "SAME":  # its zeros depend on the stride, which is taken afterwards
        lines, padding = pad("x", problem.ends, IMAGE, call="tf.pad"), "VALID"
    settings = spelled(
        strides=None if both else unless(problem.stride, 1),
        padding=padding,
        dilations=unless(problem.dilation, 1),
    )
    call = f"tf.nn.convolution({{}}{settings})"
    every = strided(IMAGE, problem.stride) if both else ""
    return [
        *lines,
        f"y = {_grouped(problem, call, kernel)}{every}{plus(bias, IMAGE, problem.axes)}",
    ]


def _grouped(problem: Problem, call: str, kernel: str) -> str:
    """The call, or where there are groups (TensorFlow has them in some ranks) one a group."""
    if problem.groups == 1:
        return call.format(f"x, {kernel}")
    parts = f"zip(tf.split(x, {problem.groups}, -1), tf.split({kernel}, {problem.groups}, -1))"
    return f"tf.concat([{call.format('a, b')} for a, b in {parts}], -1)"


def _depthwise(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    lines = pad("x", problem.ends, IMAGE, call="tf.pad")
    plain = len(set(problem.stride)) == 1 and (problem.stride[0] == 1 or max(problem.dilation) == 1)
    strides = (1, *problem.stride, 1) if plain else (1, 1, 1, 1)
    settings = spelled(strides=strides, padding="VALID", dilations=unless(problem.dilation, 1))
    every = "" if plain else strided(IMAGE, problem.stride)
    call = f"tf.nn.depthwise_conv2d(x, {kernel}{settings}){every}"
    return [*lines, f"y = {call}{plus(bias, IMAGE, problem.axes)}"]


def _transposed(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    # Zeros between the taps: TensorFlow takes a dilation here on some processors only.
    dilated = max(problem.dilation) > 1
    lines = spread_taps(kernel, problem.window, KERNEL)
    same = problem.is_same and problem.groups == 1 and not dilated
    size = problem.window.input if same else full_size(problem)
    shape = f"output_shape=(x.shape[0], {', '.join(map(str, size))}, {{}}.shape[-2])"
    settings = spelled(strides=problem.stride, padding="SAME" if same else "VALID")
    name = kernel if problem.groups == 1 else "b"
    call = f"tf.nn.conv_transpose({{}}, {shape.format(name)}{settings})"
    lines.append(f"y = {_grouped(problem, call, kernel)}")
    if not same and problem.window.input != size:
        lines += cut_full(problem, IMAGE, call="tf.pad")
    return [*lines, *([f"y = y + {bias}"] if bias else [])]


def _linear(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    return [f"y = tf.tensordot(x, {kernel}, 1){plus(bias, IMAGE, 0)}"]


def _pooling(problem: Problem) -> list[str]:
    largest = problem.kind == "max pooling"
    lines, padding = _padded(problem, ', constant_values=float("-inf")' if largest else "")
    if not largest and padding == "SAME" and problem.count_padding:
        lines, padding = pad("x", problem.ends, IMAGE, call="tf.pad"), "VALID"
    if lines and not problem.count_padding:
        raise UnsupportedError("TensorFlow leaves out only the padding of SAME")
    both = max(problem.stride) > 1 and max(problem.dilation) > 1
    if both and padding == "SAME":
        fill = ', constant_values=float("-inf")'
        lines, padding = pad("x", problem.ends, IMAGE, call="tf.pad", fill=fill), "VALID"
    settings = spelled(
        strides=None if both else problem.stride,
        padding=padding,
        dilations=unless(problem.dilation, 1),
    )
    kind = "MAX" if largest else "AVG"
    every = strided(IMAGE, problem.stride) if both else ""
    return [*lines, f'y = tf.nn.pool(x, {problem.window.kernel}, "{kind}"{settings}){every}']


def _norm(problem: Problem) -> list[str]:
    names = "offset, scale" if problem.has_weight else "None, None"
    return [f"y = tf.nn.batch_normalization(x, mean, variance, {names}, {problem.eps!r})"]


WRITERS = {
    "convolution": _convolution,
    "transposed": _transposed,
    "linear": _linear,
    "max pooling": _pooling,
    "average pooling": _pooling,
    "batch normalisation": _norm,
}
