"""Convolution and its transpose."""

from __future__ import annotations

from typing import Any

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.border import MODES, Pairs, bordered, check_border
from allconv.functional.call import apply, evaluate, spatial, take_float, take_floats
from allconv.functional.settings import SPREAD, Padding, Sizes, pairs, per_axis, remembered
from allconv.intake.refusals import refusal
from allconv.intake.settings import choice, flag, whole
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import Local, LocalTranspose
from allconv.window import Axis, Window, least_input, reach_of

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]


Border = tuple[Pairs, str]
"""Padding, and what it holds: a mode of `pad`."""


def shape_or_none(x: Any) -> tuple[int, ...] | None:
    """The shape of an array that may be left out."""
    return None if x is None else tuple(x.shape)


def take_images(x: Any, axes: int) -> Any:
    """A float array that is a batch of images with channels and `axes` axes."""
    x = take_float("x", x)
    check_images(x.shape, axes)
    return x


def check_images(x: tuple[int, ...], axes: int) -> None:
    """Refuse x unless it has the rank of such a batch and its images have pixels."""
    if len(x) != axes + 2:
        hint = "; pass x[None]" if len(x) == axes + 1 else ""
        raise ShapeError(
            f"x has {len(x)} axes, {x}; (N, C, {axes} size{'s' * (axes > 1)}) is expected{hint}"
        )
    check_sizes(x)


def check_channels(x: tuple[int, ...], expected: int, because: str) -> None:
    """Refuse an input with other channels than the weights have."""
    given = x[1]
    if given == expected:
        return
    if x[-1] == expected:
        raise ShapeError(f"x is {x}, which looks channels-last: pass np.moveaxis(x, -1, 1)")
    raise ShapeError(
        f"x is {x}, with {given} channel{'s' * (given != 1)}; {because}, for {expected}"
    )


def check_weight(
    weight: tuple[int, ...], axes: int, groups: int, channels: str, *, local: bool
) -> None:
    """Refuse weights of another rank, without cells, or that the groups do not divide."""
    if len(weight) != 2 + axes * (1 + local):
        layout = f"({channels}, *K{', *P' * local})"
        raise ShapeError(f"weight has {len(weight)} axes, {weight}; {layout} is expected")
    if 0 in weight:
        raise ShapeError(f"weight is {weight}: a size is 0")
    if weight[0] % groups:
        raise ShapeError(f"weight is {weight}; groups={groups} does not divide its first axis")


def check_bias(bias: tuple[int, ...] | None, expected: tuple[int, ...]) -> None:
    """Refuse a bias of another shape."""
    if bias is not None and bias != expected:
        raise ShapeError(f"bias is {bias}; {expected} is expected")


def check_sizes(x: tuple[int, ...]) -> None:
    """Refuse an image without pixels; an empty batch is legal."""
    if 0 in x[1:]:
        raise ShapeError(f"x is {x}: a size is 0")


def check_padding_mode(mode: Any) -> str:
    """What padding holds; another name is refused."""
    return choice("padding_mode", mode, ("zeros", *MODES))


def flipped(weight: Any, axes: int) -> Any:
    """The kernel flipped along every axis."""
    return weight[(Ellipsis, *(slice(None, None, -1),) * axes)]


def _conv(
    axes: int,
    x: Any,
    /,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    input_dilation: Sizes = 1,
    flip: bool = False,
) -> Any:
    """Convolution: a kernel slides over the input and sums the products.

    Shapes: x (N, C, *I), weight (O, C/groups, *K), bias (O,) -> (N, O, *P); float32 or float64.
    y[n,o,i] = bias[o] + sum over c, k of x[n,c,j] * weight[o,c,k] where j = s*i + d*k - p.

    stride, dilation  a number, or one an axis
    padding           a number; one an axis; pairs (low, high), negative ones crop; or a name:
                      "valid", "half", "same" (out is ceil(I/s), odd one at the end), "same_lower",
                      "full", "causal" (one axis)
    groups            channels are split into so many groups that do not mix (C: depthwise)
    padding_mode      what padding holds: "zeros", "reflect", "replicate" or "circular" (see `pad`)
    input_dilation    zeros between input cells: b - 1 of them
    flip              the kernel is flipped: true convolution; otherwise correlation

    Source: Dumoulin and Visin 2016, arXiv:1603.07285.

    >>> import numpy as np
    >>> conv1d(np.array([[[1.0, 2, 3, 4]]]), np.array([[[1.0, 2, 3]]]))
    array([[[14., 20.]]])
    """
    settings = (stride, padding, dilation, groups, padding_mode, input_dilation)
    return correlated(axes, False, x, weight, bias, settings, flip)


def correlated(
    axes: int,
    local: bool,
    x: Any,
    weight: Any,
    bias: Any,
    settings: tuple[Any, ...],
    flip: bool = False,
) -> Any:
    """A convolution, or with `local` a locally connected layer."""
    x, weight, bias = take_floats(x=x, weight=weight, bias=bias)
    operator, border = correlate_operator(
        axes, local, x.shape, weight.shape, shape_or_none(bias), *settings
    )
    w = flipped(weight, axes) if flag("flip", flip) else weight
    operands = (x, w) if bias is None else (x, w, bias)
    if border is None:
        return apply(operator, *operands)
    return evaluate(_conv_bordered, *operands, border=border, operator=operator)


@remembered
def correlate_operator(
    axes: int,
    local: bool,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    bias: tuple[int, ...] | None,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
    padding_mode: str = "zeros",
    input_dilation: Sizes = 1,
) -> tuple[Correlate | Local, Border | None]:
    """The operator that settings mean for these shapes, and the border that is made before it.

    With `local` every output cell has weights of its own.
    """
    padding_mode = check_padding_mode(padding_mode)
    groups = whole("groups", groups, least=1)
    check_weight(weight, axes, groups, "O, C/groups", local=local)
    check_images(x, axes)
    check_channels(x, weight[1] * groups, f"weight is {weight}, groups={groups}")
    s = per_axis("stride", stride, axes)
    d = per_axis("dilation", dilation, axes)
    b = per_axis("input_dilation", input_dilation, axes, most=SPREAD)
    input, kernel, cells = x[2:], weight[2 : 2 + axes], weight[2 + axes :]
    check_bias(bias, (weight[0], *cells))
    spread = tuple(map(reach_of, input, b))
    ends = pairs(padding, spread, kernel, s, d)
    window = Window.forward(input, kernel, stride=s, dilation=d, input_dilation=b, padding=ends)
    if local and window.output != cells:
        raise ShapeError(f"weight is {weight}, for {cells} outputs; x {x} has {window.output}")
    if padding_mode == "zeros" or not any(map(any, ends)):
        return (Local if local else Correlate)(window, groups), None
    if any(each > 1 for each in b):
        raise ArgumentError(
            f'input_dilation is {b} and padding_mode "{padding_mode}"; with zeros '
            'between the cells only padding_mode="zeros" is defined'
        )
    check_border(input, ends, padding_mode)
    within = Window(tuple(axis.moved(*end) for axis, end in zip(window.axes, ends, strict=True)))
    return Correlate(within, groups), (ends, padding_mode)


def _conv_bordered(x: Any, *rest: Any, border: Border, operator: Operator) -> Any:
    """A convolution of an image that is continued beyond its edge."""
    ends, mode = border
    return apply(operator, bordered(x, ((0, 0), (0, 0), *ends), mode), *rest)


def _conv_transpose(
    axes: int,
    x: Any,
    /,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
) -> Any:
    """Transposed convolution: the adjoint of the convolution with the same settings.

    Shapes: x (N, C, *P), weight (C, O/groups, *K), bias (O,) -> (N, O, *I); float32 or float64.
    y[n,o,j] = bias[o] + sum of x[n,c,i] * weight[c,o,k] over the c, i, k with j = s*i + d*k - p.

    Numbers and names of `padding` are those of the convolution that this is the transpose of;
    "same" makes the output stride times as large as the input. Where several outputs have the same
    convolution size, `output_padding` adds to the smallest, or `output_size` says which.

    >>> import numpy as np
    >>> conv_transpose1d(np.array([[[1.0, 10]]]), np.array([[[1.0, 2, 3]]]), stride=2)
    array([[[ 1.,  2., 13., 20., 30.]]])
    """
    settings = (stride, padding, output_padding, groups, dilation, output_size)
    return transposed(axes, False, x, weight, bias, settings)


def transposed(
    axes: int, local: bool, x: Any, weight: Any, bias: Any, settings: tuple[Any, ...]
) -> Any:
    """The transpose of a convolution, or with `local` of a locally connected layer."""
    x, weight, bias = take_floats(x=x, weight=weight, bias=bias)
    operator = _transpose_operator(
        axes, local, x.shape, weight.shape, shape_or_none(bias), *settings
    )
    return apply(operator, weight, x) if bias is None else apply(operator, weight, x, bias)


@remembered
def _transpose_operator(
    axes: int,
    local: bool,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    bias: tuple[int, ...] | None,
    stride: Sizes,
    padding: Padding,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
    output_size: Sizes | None,
) -> CorrelateTranspose | LocalTranspose:
    """The operator that settings of a transposed layer mean for these shapes."""
    groups = whole("groups", groups, least=1)
    check_weight(weight, axes, groups, "C, O/groups", local=local)
    check_images(x, axes)
    check_channels(x, weight[0], f"weight is {weight}")
    kernel, cells = weight[2 : 2 + axes], weight[2 + axes :]
    if local and x[2:] != cells:
        raise ShapeError(f"weight is {weight}, for {cells} cells; x is {x}")
    window = transpose_window(x[2:], kernel, stride, padding, output_padding, dilation, output_size)
    check_bias(bias, (weight[1] * groups, *window.input * local))
    return (LocalTranspose if local else CorrelateTranspose)(window, groups)


def transpose_window(
    output: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: Sizes,
    padding: Padding,
    output_padding: Sizes,
    dilation: Sizes,
    output_size: Sizes | None,
) -> Window:
    """The window of the forward convolution whose output has the sizes `output`.

    Its input is that of `Axis.transposed`, or `output_size`.
    """
    n_axes = len(output)
    stride = per_axis("stride", stride, n_axes, most=SPREAD)
    output_padding = per_axis("output_padding", output_padding, n_axes, least=0)
    dilation = per_axis("dilation", dilation, n_axes)
    size = None if output_size is None else per_axis("output_size", output_size, n_axes)
    if size is not None and any(output_padding):
        raise ArgumentError("give output_padding or output_size, not both")
    if isinstance(padding, str) and size is None and padding in ("same", "same_lower"):
        if any(output_padding):
            raise ArgumentError(refusal("size and output padding", padding=padding))
        size = tuple(p * s for p, s in zip(output, stride, strict=True))
    # A named padding depends on the forward input's size, except by "same" not on its value.
    ends = pairs(padding, size or output, kernel, stride, dilation)
    axes = []
    for n, (p, k, s, d, end, extra) in enumerate(
        zip(output, kernel, stride, dilation, ends, output_padding, strict=True)
    ):
        if extra >= max(s, d):
            raise ArgumentError(refusal("output padding", extra=extra, stride=s, dilation=d))
        least = least_input(p, k, s, d, end)
        more = extra if size is None else size[n] - least
        expected, most = least + more, least + max(s, d) - 1
        if not least <= expected <= most:
            raise ArgumentError(
                refusal("size out of range", expected=expected, axis=n, least=least, most=most)
            )
        if expected < 1:
            raise ShapeError(refusal("no output", expected=expected, axis=n))
        made = Axis.transposed(p, k, stride=s, dilation=d, padding=end, output_padding=more)
        axes.append(made)
    return Window(tuple(axes))


conv1d, conv2d, conv3d = spatial(_conv)
conv_transpose1d, conv_transpose2d, conv_transpose3d = spatial(_conv_transpose)
