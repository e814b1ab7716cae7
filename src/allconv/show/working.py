"""`ac.working`: for every cell of a layer's result the cells that meet, their products, their sum.

The same for the gradients, given the gradient of the result. Nothing here calls the engine: the
sums are those of the definitions, so they check what the compiled kernels return.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.intake.arrays import take_array
from allconv.operators.base import Array
from allconv.operators.correlate import TransposeView
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.windowed import WindowOperator
from allconv.show.array_view import ArrayView
from allconv.show.explanation import explanation
from allconv.show.operand import Operand, WindowCall
from allconv.show.table import working_table
from allconv.show.text import working_text
from allconv.show.window_call import record_call
from allconv.window import Axis, Window


class Working:
    """The working of one call: `y` (what it returns), and gradients as `gx`, `gw`, `gb`.

    Each is an `ArrayView`: print it, index it (`working.y[0, 1]`), or take its `totals()`. `title`
    says what is computed, `note` what takes part in it unseen, as the zeros of padding do.
    """

    def __init__(
        self, title: str, window: Window, views: tuple[ArrayView, ...], note: str = ""
    ) -> None:
        self.title, self.window, self.note = title, window, note
        self._views = {view.name: view for view in views}

    @property
    def result(self) -> ArrayView:
        """What the call returns."""
        return next(iter(self))

    def __iter__(self) -> Iterator[ArrayView]:
        return iter(self._views.values())

    def __getattr__(self, name: str) -> ArrayView:
        views = self.__dict__.get("_views", {})
        if name in views:
            view: ArrayView = views[name]
            return view
        hint = "; gradients need grad_output=..." if name in ("gx", "gw", "gb", "gy") else ""
        raise AttributeError(f"this working has {', '.join(views)}, not {name}{hint}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._views]

    def __str__(self) -> str:
        return working_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return working_table(self)


def working(
    layer_or_function: Callable[..., Any], /, *arrays: Any, grad_output: Any = None, **settings: Any
) -> Working:
    """The working of one layer or function on arrays, cell by cell, forward and backward.

    For convolution, true convolution, transposed, locally connected and linear layers, max and
    average pooling, in 1-D, 2-D and 3-D, as layers of `nn`, functions of `functional`, the plain
    `ac.correlate` and its family, or a function of yours around one of them.

    arrays       operands; numbers, texts, tuples and None are passed on as they are
    grad_output  the gradient of what is returned, in its shape (a number: the same everywhere);
                 without it there are no gradients in the working
    settings     passed to the function: stride=2, padding="half"

    Errors: UnsupportedError for more than one layer; LimitError for more than 2**24 cells; those of
    the layer itself.

    >>> import allconv as ac
    >>> print(ac.working(ac.correlate, [1, 2, 3, 4], [1, 2, 3]).y)
    y[0] = x[0]*w[0] + x[1]*w[1] + x[2]*w[2]
         = 1*1       + 2*2       + 3*3
         = 1         + 4         + 9
         = 14
    y[1] = x[1]*w[0] + x[2]*w[1] + x[3]*w[2]
         = 2*1       + 3*2       + 4*3
         = 2         + 6         + 12
         = 20
    """
    call = record_call(layer_or_function, arrays, settings)
    made = explanation(call, upstream(call.result, grad_output))
    result = call.result
    views = [
        ArrayView(result.name, result.shape, result.dtype, made.forward, work=made.work(result))
    ]
    if grad_output is not None:
        views += [
            ArrayView(name, operand.shape, operand.dtype, explain, work=made.work(operand))
            for name, (operand, explain) in made.gradients().items()
        ]
    return Working(_title(call), call.operator.window, tuple(views), _padding_note(call))


def upstream(result: Operand, given: Any) -> Array | None:
    """The gradient of the window's result, 0 where the call leaves cells of it out."""
    if given is None:
        return None
    gy = take_array("grad_output", given)
    if gy.dtype.kind not in "biuf":
        raise ArgumentError(f"grad_output is {gy.dtype.name}; real numbers are expected")
    if gy.ndim and gy.shape != result.shape:
        raise ShapeError(f"grad_output is {gy.shape}; the result is {result.shape}")
    whole = np.broadcast_to(gy, result.shape).astype(result.dtype)
    padded = np.concatenate([np.zeros(1, whole.dtype), whole.ravel()])
    return np.asarray(padded[result.labels])


TITLES = {
    "Correlate": "correlation",
    "CorrelateTranspose": "transposed correlation",
    "CorrelateWeight": "correlation for the weights",
    "Local": "locally connected",
    "LocalTranspose": "locally connected, transposed",
    "LocalWeight": "locally connected, for the weights",
    "MaxPool": "max pooling",
    "AveragePool": "average pooling",
}


def _title(call: WindowCall) -> str:
    """What is computed, in a line: "correlation: x (4), w (3) -> y (2); stride 2"."""
    name = TITLES[call.operator.name]
    kernel = next((each for each in call.operands if each.name == "w"), None)
    if not call.operator.window.axes:
        name = "linear"
    elif kernel is not None and is_flipped(call.operator, kernel):
        name = name.replace("correlation", "convolution") + ", the kernel flipped"
    ordered = sorted(call.operands, key=lambda each: "xywb".index(each.name))
    operands = ", ".join(f"{each.name} {each.shape}" for each in ordered)
    head = f"{name}: {operands} -> {call.result.name} {call.result.shape}"
    return "; ".join([head, *_geometry(call.operator)])


def is_flipped(operator: WindowOperator, kernel: Operand) -> bool:
    """Whether the taps run backwards through the user's weights."""
    taps = kernel.labels[0, 0]
    if operator.name.startswith("Local"):
        taps = taps[(..., *(0,) * len(operator.window.axes))]
    return bool(taps.size > 1 and taps.flat[0] > taps.flat[-1])


def _geometry(operator: WindowOperator) -> list[str]:
    """The settings of the window that are not the usual ones, one number where axes agree."""
    axes = operator.window.axes
    found = []
    if isinstance(operator, MaxPool | AveragePool):
        found.append(f"kernel {_shape(operator.window.kernel)}")
    for name in ("stride", "dilation", "input_dilation"):
        steps = [getattr(axis, name) for axis in axes]
        if any(step != 1 for step in steps):
            same = len(set(steps)) == 1
            found.append(f"{name.replace('_', ' ')} {steps[0] if same else _shape(tuple(steps))}")
    ends = [_padding(axis) for axis in axes]
    if any(end != "0" for end in ends):
        found.append(f"padding {ends[0] if len(set(ends)) == 1 else ' x '.join(ends)}")
    groups = getattr(operator, "groups", 1)
    if groups > 1:
        found.append(f"{groups} groups")
    return found


def _padding(axis: Axis) -> str:
    """One number where both ends can have it, else low:high."""
    low, high = axis.padding, axis.high
    return str(low) if high <= low < high + axis.stride else f"{low}:{high}"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _padding_note(call: WindowCall) -> str:
    """What takes part and is not shown, the zeros of padding, in words; empty where nothing is."""
    operator = call.operator
    axes = operator.window.axes
    is_padded = any(max(axis.padding, axis.high) > 0 for axis in axes)
    has_gaps = any(axis.input_dilation > 1 and axis.input > 1 for axis in axes)
    if isinstance(operator, MaxPool):
        return "padding is not shown: it is never the largest" if is_padded else ""
    if isinstance(operator, AveragePool):
        return f"padding is not shown: {_in_means(call)}" if is_padded else ""
    if isinstance(operator, TransposeView):
        return "padding takes cells off the ends of the result" if is_padded else ""
    if is_padded and has_gaps:
        return "padding and the gaps between the cells are zeros, whose terms are not shown"
    if has_gaps:
        return "the gaps between the cells are zeros, whose terms are not shown"
    return "padding is zeros, whose terms are not shown" if is_padded else ""


def _in_means(call: WindowCall) -> str:
    operator = call.operator
    if call.divisor is not None:
        return f"it is zeros, and every sum is divided by {call.divisor}"
    if isinstance(operator, AveragePool) and operator.count_padding:
        return "it is zeros, which are counted"
    return "it is zeros, which are not counted"
