"""Calls of OpenCV: `cv2.filter2D` and its relatives, two axes, channels last.

`filter2D` correlates one kernel with each channel of one image; with the anchor at the first tap an
output cell is the first that its window touches. What its border adds is not used.
"""

from __future__ import annotations

from allconv.conventions.layouts import LAYOUTS
from allconv.conventions.problem import Problem
from allconv.conventions.writing import names_of, pad, plus, spread_taps
from allconv.errors import UnsupportedError

LAYOUT = LAYOUTS["opencv"]
IMAGE = LAYOUT.image


def _cells(problem: Problem) -> str:
    """The index of the outputs in an image of the size of the input."""
    parts = (f":{a.stride * (a.output - 1) + 1}:{a.stride}" for a in problem.window.axes)
    return f"[{', '.join(parts)}]"


def _check_axes(problem: Problem) -> None:
    if problem.axes != 2:
        raise UnsupportedError(f"OpenCV's images have 2 axes, these {problem.axes}")


def _convolution(problem: Problem) -> list[str]:
    _check_axes(problem)
    weight, bias = names_of(problem, LAYOUT)
    wide = problem.input[1] // problem.groups
    first = f"o // (len({weight}) // {problem.groups}) * {wide} + c" if problem.groups > 1 else "c"
    call = f"cv2.filter2D(image[:, :, {first}], -1, kernel, anchor=(0, 0))"
    return [
        *pad("x", problem.ends, IMAGE),
        *spread_taps(weight, problem.window, "OI*"),
        "def cells(image, o):",
        f"    return sum({call} for c, kernel in enumerate({weight}[o]))",
        "",
        f"outputs = range(len({weight}))",
        f"y = [np.dstack([cells(image, o){_cells(problem)} for o in outputs]) for image in x]",
        f"y = np.stack(y){plus(bias, IMAGE, 2)}",
    ]


def _linear(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    if len(problem.input) != 2:
        raise UnsupportedError(f"input_shape is {problem.input}; cv2.gemm takes (N, C)")
    return [f"y = cv2.gemm(x, {weight}, 1, None, 0, flags=cv2.GEMM_2_T){plus(bias, IMAGE, 0)}"]


def _pooling(problem: Problem) -> list[str]:
    _check_axes(problem)
    if not problem.count_padding:
        raise UnsupportedError("cv2.blur counts the padding")
    largest = problem.kind == "max pooling"
    lines = pad("x", problem.ends, IMAGE, fill=", constant_values=-np.inf" if largest else "")
    rows, columns = problem.window.kernel
    call = f"cv2.blur(image, ({columns}, {rows}), anchor=(0, 0))"
    if largest:
        lines.append(f"taps = np.zeros({tuple(_reach(problem))}, np.uint8)")
        lines.append(f"taps[::{problem.dilation[0]}, ::{problem.dilation[1]}] = 1")
        call = "cv2.dilate(image, taps, anchor=(0, 0))"
    one = f"{call}.reshape(image.shape){_cells(problem)}"  # one channel would lose its axis
    return [*lines, f"y = np.stack([{one} for image in x])"]


def _reach(problem: Problem) -> list[int]:
    return [axis.reach for axis in problem.window.axes]


WRITERS = {
    "convolution": _convolution,
    "linear": _linear,
    "max pooling": _pooling,
    "average pooling": _pooling,
}
