"""The examples that are an operator on numbers, as figures: addresses that the stage reads.

A figure takes its numbers from the inputs of its example, so that another input is another figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.errors import Error
from allconv.lecture.example import Example
from allconv.operators.base import Array
from allconv.show.stage.model import model_of
from allconv.show.stage.names import plain
from allconv.show.stage.state import State
from allconv.show.stage.values import values_of

GRADIENT = "tabs player sum identity"


@dataclass(frozen=True)
class Figure:
    """A state of the stage as an address, and what is shown with it (see `lecture.js`)."""

    address: str
    parts: str = "player sum"

    @property
    def state(self) -> State:
        """What the stage reads from the address."""
        return State.of_address(self.address)


def figure_of(example: Example) -> Figure | None:
    """The figure of an example; None where it has none, or its numbers are beyond the stage."""
    make = FIGURES.get(example.name)
    if make is None:
        return None
    try:
        arrays, settings, parts = make(**example.inputs)
        address = written(arrays, settings)
        state = State.of_address(address)
        read = values_of(state, model_of(state))
    except (Error, ValueError, IndexError, TypeError, OverflowError):
        return None  # other inputs than those of the slides
    given = {name: np.asarray(array, float).ravel() for name, array in arrays.items()}
    same = all(np.array_equal(array, read.given(name)) for name, array in given.items())
    return Figure(address, parts) if same else None


def written(arrays: Mapping[str, Array], settings: Mapping[str, Any]) -> str:
    """The address of some settings and of the numbers of arrays."""
    pairs = [f"{name}={value}" for name, value in settings.items()]
    for name, array in arrays.items():
        pairs.append(f"{name}={','.join(map(plain, np.asarray(array, float).ravel().tolist()))}")
    return "&".join(pairs)


Made = tuple[dict[str, Array], dict[str, Any], str]


def line(op: str, x: Array, w: Array, parts: str = "player sum", **settings: Any) -> Made:
    """One axis, in the slides' letters."""
    sizes = {"op": op, "dim": 1, "input": len(x), "kernel": len(w)}
    return {"x": x, "w": w}, {**sizes, **settings, "letters": "slides"}, parts


def plane(
    op: str, x: Array, kernel: tuple[int, ...], outputs: int = 1, **settings: Any
) -> dict[str, Any]:
    """The settings of two axes: x is (rows, columns), or (channels, rows, columns)."""
    channels = 1 if x.ndim == 2 else x.shape[0]
    found = {"op": op, "input": _size(x.shape[-2:]), "kernel": _size(kernel)}
    if (channels, outputs) != (1, 1):
        found["channels"] = f"{channels}-{outputs}"
    return {**found, **settings}


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def image(x: Array, w: Array, b: Array) -> Made:
    """A convolution with bias: x is (C, H, W), w is (O, I, kH, kW)."""
    settings = plane("conv", x, w.shape[2:], w.shape[0], bias=1, letters="slides")
    return {"x": x, "w": w, "b": b}, settings, "tabs player sum"


def listing(x: Array, w: Array, b: Array) -> Made:
    """The same from channels-last arrays."""
    return image(np.moveaxis(x, -1, 0), np.transpose(w, (3, 2, 0, 1)), b)


def shared(x: Array, w: Array, b: Array) -> Made:
    """A locally connected layer with equal weights everywhere."""
    places = tuple(i - k + 1 for i, k in zip(x.shape[1:], w.shape[2:], strict=True))
    weight = np.broadcast_to(w[..., None, None], (*w.shape, *places))
    settings = plane("local", x, w.shape[2:], w.shape[0], bias=1, letters="slides")
    return {"x": x, "w": weight, "b": b}, settings, "player sum multiples"


def moved(x: Array, w: Array, b: Array) -> Made:
    """The 2x4x4 image, one row and one column further: its result can be moved by hand."""
    arrays, settings, _ = image(np.pad(x, ((0, 0), (1, 0), (1, 0))), w, b)
    return arrays, settings, "player shift"


def weight_gradient(x: Array, g: Array) -> Made:
    """dL/dW of one axis: the weights have no part in it, those of the slides are shown."""
    w = np.arange(1.0, len(x) - len(g) + 2)
    arrays, settings, _ = line("conv", x, w, leave="w")
    return {**arrays, "g": g}, settings, GRADIENT


def input_gradient(w: Array, g: Array) -> Made:
    """dL/dI of one axis: the input has no part in it."""
    x = np.arange(1.0, len(w) + len(g))
    arrays, settings, _ = line("conv", x, w, leave="x")
    return {**arrays, "g": g}, settings, GRADIENT


def matrix(i: Array, k: Array, s: Array, p: Array) -> Made:
    """The convolution of i = 4, k = 3, with its matrix."""
    settings = plane("conv", np.zeros((int(i), int(i))), (int(k), int(k)), letters="slides")
    if (int(s), int(p)) != (1, 0):
        settings |= {"stride": f"{int(s)}x{int(s)}", "padding": int(p)}
    return {}, settings, "player matrix"


def transposed(r: Array, w: Array) -> Made:
    """Conv2DTranspose with stride 2."""
    settings = plane("conv_transpose", r, w.shape, stride="2x2", at=12, letters="slides")
    return {"x": r, "w": w}, settings, "player sum coverage"


def backward(r: Array, w: Array, parts: str = GRADIENT) -> Made:
    """The gradient of the input of Conv2D with stride 2; r arrives."""
    size = tuple(2 * (n - 1) + k for n, k in zip(r.shape, w.shape, strict=True))
    settings = plane("conv", np.zeros(size), w.shape, stride="2x2", leave="x", at=12)
    return {"w": w, "g": r}, {**settings, "letters": "slides"}, parts


def first_row(x: Array, w: Array) -> Array:
    """Row 0 of the matrix of the 2x4x4 example, as a kernel (channels, rows, columns)."""
    row = np.zeros(x.shape)
    row[:, : w.shape[2], : w.shape[3]] = w[0]
    return row


def row_as_kernel(x: Array, w: Array, b: Array) -> Made:
    """A row of the matrix as the kernel that it is: as large as the image."""
    settings = plane("conv", x, x.shape[1:], bias=1, letters="slides")
    return {"x": x, "w": first_row(x, w), "b": b[:1]}, settings, "player sum"


def larger(x: Array, w: Array, b: Array) -> Made:
    """The same kernel on an image that is larger than its own."""
    wide = np.pad(x, ((0, 0), (2, 0), (1, 0)))
    settings = plane("conv", wide, x.shape[1:], bias=1, letters="slides", at=5)
    return {"x": wide, "w": first_row(x, w), "b": b[:1]}, settings, "player sum"


def pooled(n: Array) -> Made:
    """Max pooling 2x2, stride 2."""
    return {"x": n}, plane("max_pool", n, (2, 2), stride="2x2", letters="slides"), "player sum"


def unpooled(n: Array, nextgrad: Array) -> Made:
    """Its gradient."""
    settings = plane("max_pool", n, (2, 2), stride="2x2", leave="x", at=1, letters="slides")
    return {"x": n, "g": nextgrad}, settings, "tabs player sum"


FIGURES: dict[str, Callable[..., Made]] = {
    "shared-parameters": shared,
    "translation": moved,
    "correlation": lambda x, w: line("conv", x, w),
    "convolution": lambda x, w: line("true_conv", x, w),
    "convolution-by-flip": lambda x, w: line("conv", x, w[::-1]),
    "half-padding": lambda x, w: line("conv", x, w, padding="half"),
    "half-padding-by-number": lambda x, w: line("conv", x, w, "player sizes", padding=1),
    "half-padding-stride-2": lambda x, w: line("conv", x, w, padding="half", stride=2),
    "same-padding-stride-2": lambda x, w: line("conv", x, w, padding="same", stride=2),
    "image-2x4x4": image,
    "weight-gradient-drawn": lambda x, gy: weight_gradient(x, gy),
    "input-gradient-drawn": lambda w, gy: input_gradient(w, gy),
    "gradient-tape": lambda n, nextgrad: weight_gradient(n, nextgrad),
    "gradient-by-convolution": lambda n, nextgrad: line("conv", n, nextgrad),
    "conv2d-listing": listing,
    "sparse-matrix": matrix,
    "transposed-matrix": lambda r, w: backward(r, w, "player matrix"),
    "conv2d-transpose": transposed,
    "conv2d-backward": backward,
    "linear-as-convolution": row_as_kernel,
    "densified": larger,
    "max-pooling": pooled,
    "max-pooling-backward": unpooled,
}
"""From the inputs of an example: arrays by the stage's letters, settings, and parts."""

ELSEWHERE = {
    "image-2x4x4-layer": "image-2x4x4",
    "image-2x4x4-by-channel": "image-2x4x4",
    "convolution-as-linear": "linear-as-convolution",
    "correlate-transpose": "conv2d-transpose",
}
"""Examples on the numbers of another one: its figure is theirs."""
