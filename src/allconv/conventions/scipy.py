"""Calls of SciPy: `scipy.signal` for convolutions, `scipy.ndimage` for pooling, NumPy around them.

SciPy slides one kernel over one array, without batch and channels, and has both words: `correlate`
leaves the kernel as it is, `convolve` turns it round.
"""

from __future__ import annotations

from allconv.conventions.layouts import LAYOUTS
from allconv.conventions.problem import Problem
from allconv.conventions.writing import (
    around,
    cut_full,
    full_size,
    names_of,
    pad,
    plus,
    sliced,
    spread_taps,
    strided,
)
from allconv.errors import UnsupportedError

LAYOUT = LAYOUTS["scipy"]
IMAGE = LAYOUT.image


def _sums(call: str, rows: str, channels: str) -> list[str]:
    """Lines that sum `call` of a and b over the channels of a group, for every output channel."""
    return [
        "def cells(image, kernel):",
        f"    return sum({call} for a, b in zip(image, kernel))",
        "",
        f"y = np.stack([[cells(image{channels}, kernel) for o, kernel in enumerate({rows})]",
        "              for image in x])",
    ]


def _convolution(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    name = "convolve" if problem.flip else "correlate"
    call = f'signal.{name}(a, b, "valid", "direct")'
    wide = problem.input[1] // problem.groups
    channels = ""
    if problem.groups > 1:  # output channel o reads the channels of its group
        each = f"o // (len({weight}) // {problem.groups})"
        channels = f"[{each} * {wide}:][:{wide}]"
    lines = [*pad("x", problem.ends, IMAGE), *spread_taps(weight, problem.window, "OI*")]
    every, added = strided(IMAGE, problem.stride), plus(bias, IMAGE, problem.axes)
    ending = [f"y = y{every}{added}"] if every or added else []
    return [*lines, *_sums(call, weight, channels), *ending]


def _transposed(problem: Problem) -> list[str]:
    if problem.groups > 1:
        raise UnsupportedError("groups are not supported in SciPy's transposed convolution")
    weight, bias = names_of(problem, LAYOUT)
    lines = spread_taps(weight, problem.window, "IO*")
    if max(problem.stride) > 1:  # a zero-stuffed input and a full convolution
        sizes = [s * (p - 1) + 1 for s, p in zip(problem.stride, problem.input[2:], strict=True)]
        shape = ", ".join(map(str, ("*x.shape[:2]", *sizes)))
        every = sliced(IMAGE, [f"::{s}" for s in problem.stride])
        lines += [f"stuffed = np.zeros(({shape}), x.dtype)", f"stuffed{every} = x", "x = stuffed"]
    call = 'signal.convolve(a, b, "full", "direct")'
    lines += _sums(call, f"{weight}.swapaxes(0, 1)", "")
    if problem.window.input != full_size(problem) or any(a.padding for a in problem.window.axes):
        lines += cut_full(problem, IMAGE)
    return [*lines, *([f"y = y{plus(bias, IMAGE, problem.axes)}"] if bias else [])]


def _linear(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    return [f"y = np.tensordot(x, {weight}, ((-1,), (1,))){plus(bias, IMAGE, 0)}"]


def _pooling(problem: Problem) -> list[str]:
    """A filter of the same size as the input, of which the outputs are every stride-th cell."""
    largest = problem.kind == "max pooling"
    if not problem.count_padding or set(problem.dilation) != {1}:
        raise UnsupportedError("SciPy's filters count the padding and have no dilation")
    lines = pad("x", problem.ends, IMAGE, fill=", constant_values=-np.inf" if largest else "")
    name = "maximum_filter" if largest else "uniform_filter"
    parts = [
        f"{a.kernel // 2}:{a.kernel // 2 + a.stride * (a.output - 1) + 1}:{a.stride}"
        for a in problem.window.axes
    ]
    size = around(IMAGE, problem.window.kernel, 1)
    return [*lines, f'y = ndimage.{name}(x, {size}, mode="nearest"){sliced(IMAGE, parts)}']


WRITERS = {
    "convolution": _convolution,
    "transposed": _transposed,
    "linear": _linear,
    "max pooling": _pooling,
    "average pooling": _pooling,
}
