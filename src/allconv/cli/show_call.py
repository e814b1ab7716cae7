"""Numbers as users type them, made the arrays that functions take, and results of their shape.

Nobody types a batch and channels of 1: they are added here and taken off the result, inside the
function that is recorded, so that every index shown is one of the user's own arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from allconv import functional
from allconv.cli.failures import Misuse
from allconv.functional.settings import window_of
from allconv.intake.limits import MOST_WINDOW_AXES as MOST
from allconv.text import counted

if TYPE_CHECKING:
    from allconv.operators.base import Array

MOST_WEIGHTS = 2**20


@dataclass(frozen=True)
class ShownCall:
    """A function of the arrays `x`, `w` and `b`, as far as they are there."""

    function: Callable[..., Any]
    arrays: tuple[Array, ...]


def convolution(
    kind: str, x: Array, weight: Array, bias: Array | None = None, axes: int = 0, **settings: Any
) -> ShownCall:
    """A convolution, or its transpose, of arrays with or without batch and channels."""
    axes = axes or _axes(x, weight)
    x_shape, w_shape = _lifted("--input", x, axes), _lifted("--kernel", weight, axes)
    if kind == "conv_transpose" and weight.ndim == axes + 1:
        w_shape = (weight.shape[0], 1, *weight.shape[1:])
    return _call(f"{kind}{axes}d", x, weight, bias, (x_shape, w_shape), axes, settings)


def _shown(function: Callable[..., Any], *arrays: Array | None) -> ShownCall:
    return ShownCall(function, tuple(each for each in arrays if each is not None))


def local(
    kind: str, x: Array, weight: Array, bias: Array | None = None, axes: int = 0, **settings: Any
) -> ShownCall:
    """A locally connected layer: kernels (*P, *K), one for all cells (*K), or (O, C, *K, *P)."""
    axes = axes or min(x.ndim, MOST)
    w, b = weight, bias
    settings = {"stride": 1, "padding": 0, "dilation": 1, **settings}
    x_shape = _lifted("--input", x, axes)
    if w.ndim == 2 * axes + 2:
        return _call(f"locally_connected{axes}d", x, w, b, (x_shape, w.shape), axes, settings)
    if w.ndim not in (axes, 2 * axes):
        raise Misuse(
            f"--kernel has {w.ndim} axes; over {axes} a locally connected layer takes one kernel "
            f"({axes}), one for each cell of the output ({2 * axes}), or all (O, C, *K, *P) "
            f"({2 * axes + 2}); --axes says over how many it slides"
        )
    kernel = w.shape[-axes:]
    steps = (settings[name] for name in ("stride", "padding", "dilation"))
    output = window_of(x_shape[2:], kernel, *steps).output
    if w.ndim == 2 * axes and w.shape[:axes] != output:
        raise Misuse(f"--kernel has kernels for {w.shape[:axes]} cells; the output has {output}")
    if prod(output) * prod(kernel) > MOST_WEIGHTS:
        raise Misuse(f"a kernel for each of {prod(output):,} cells is too much to show")
    w = np.broadcast_to(w, (*output, *kernel)).copy()
    order = (*range(axes, 2 * axes), *range(axes))
    lifted = (1, 1, *kernel, *output)
    if b is not None:
        if b.size not in (1, prod(output)):
            raise Misuse(
                f"--bias has {b.size} numbers; 1 is expected, or {prod(output)}: one a cell"
            )
        b = np.broadcast_to(b.reshape(output) if b.size > 1 else b, output).copy()
    function = getattr(functional, f"locally_connected{axes}d")

    def call(x: Any, w: Any, b: Any = None) -> Any:
        bias = None if b is None else b.reshape((1, *output))
        weight = w.transpose(*order).reshape(lifted)
        y = function(x.reshape(x_shape), weight, bias, **settings)
        return y.reshape(output if x.ndim < axes + 2 else (len(x), *output))

    return _shown(call, x, w, b)


def linear(kind: str, x: Array, weight: Array, bias: Array | None = None) -> ShownCall:
    """A linear layer: x (C) or (N, C), weights (C) or (O, C); or an image (C, *I), (O, C, *I)."""
    seen = x.ndim if x.ndim > 1 and weight.ndim == x.ndim + 1 else 1  # axes that an output sees
    for name, array in (("--input", x), ("--kernel", weight)):
        if seen == 1 and array.ndim > 2:
            raise Misuse(f"{name} has {array.ndim} axes; a linear layer takes a row, or rows")

    def call(x: Any, w: Any, b: Any = None) -> Any:
        rows, kernels = (a.reshape((-1, prod(a.shape[-seen:]))) for a in (x, w))
        return functional.linear(rows, kernels, b).reshape((*x.shape[:-seen], *w.shape[:-seen]))

    return _shown(call, x, weight, None if bias is None else bias.ravel())


def pooling(kind: str, x: Array, kernel_size: Any, axes: int = 0, **settings: Any) -> ShownCall:
    """Max or average pooling of an array with or without batch and channels."""
    if not axes:
        several = [given for given in (kernel_size, *settings.values()) if isinstance(given, tuple)]
        axes = len(several[0]) if several else x.ndim if x.ndim <= MOST else x.ndim - 2
    shape = _lifted("--input", x, axes)
    function = getattr(functional, f"{kind}{axes}d")

    def call(x: Any) -> Any:
        y = function(x.reshape(shape), kernel_size, **settings)
        return y.reshape((*x.shape[: x.ndim - axes], *y.shape[2:]))

    return ShownCall(call, (x,))


def _axes(x: Array, w: Array) -> int:
    """Over how many axes the kernel slides, from how many the arrays have."""
    if x.ndim == w.ndim:
        return x.ndim if x.ndim <= MOST else x.ndim - 2
    if w.ndim == x.ndim + 1 and x.ndim > 1:
        return x.ndim - 1
    raise Misuse(
        f"--input has {_counted(x)} and --kernel {_counted(w)}; as many are expected, or "
        "(channels, ...) and (outputs, channels, ...); --axes says over how many it slides"
    )


def _counted(array: Array) -> str:
    return counted(array.ndim, "axis", "axes")


def _lifted(name: str, array: Array, axes: int) -> tuple[int, ...]:
    """The shape with the two axes in front that functions take."""
    if not axes <= array.ndim <= axes + 2:
        raise Misuse(f"{name} has {_counted(array)}; {axes} to {axes + 2} are expected")
    return (*(1,) * (axes + 2 - array.ndim), *array.shape)


def _call(
    name: str,
    x: Array,
    w: Array,
    b: Array | None,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    axes: int,
    settings: dict[str, Any],
) -> ShownCall:
    function = getattr(functional, name)
    has_batch, has_outputs = x.ndim == axes + 2, w.ndim >= axes + 2

    def call(x: Any, w: Any, b: Any = None) -> Any:
        y = function(x.reshape(shapes[0]), w.reshape(shapes[1]), b, **settings)
        lead = (y.shape[:1] if has_batch else ()) + (y.shape[1:2] if has_outputs else ())
        return y.reshape((*lead, *y.shape[2:]))

    if b is not None and name.startswith("conv"):
        b = b.ravel()
    return _shown(call, x, w, b)
