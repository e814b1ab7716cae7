"""A layer or operator with all its sizes known, to be written as another framework's call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from allconv import nn
from allconv.conventions.layouts import Layout
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.intake.settings import shape_of
from allconv.operators.base import Operator, Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import Local
from allconv.operators.normalize import Normalize
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.windowed import WindowOperator
from allconv.window import Window, named_padding

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
LOCAL = (nn.LocallyConnected1d, nn.LocallyConnected2d, nn.LocallyConnected3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
POOLS = (
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
)  # fmt: skip
KINDS: dict[type[Operator], str] = {
    Correlate: "convolution",
    CorrelateTranspose: "transposed",
    Local: "locally connected",
    MaxPool: "max pooling",
    AveragePool: "average pooling",
    Normalize: "batch normalisation",
}
WITH_KERNEL = ("convolution", "transposed", "locally connected", "linear")

NO_AXES = Window()
Ends = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SizedLayer:
    """A call with every size known, to be written for a framework of this layout.

    `window` is that of the forward convolution, also of a transposed one. `flip`: the kernel is
    flipped (true convolution). `has_weight` tells batch normalisation with a scale from that
    without.
    """

    kind: str
    input: tuple[int, ...]
    layout: Layout
    window: Window = NO_AXES
    groups: int = 1
    has_weight: bool = False
    has_bias: bool = False
    flip: bool = False
    eps: float = 1e-5
    count_padding: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of layer that this one is, the most special first."""
        special = {
            "depthwise": self.kind == "convolution" and self.is_depthwise,
            "true convolution": self.flip,
            "uncounted average": not self.count_padding,
            "bare normalisation": self.kind == "batch normalisation" and not self.has_weight,
        }
        return (*(kind for kind, holds in special.items() if holds), self.kind)

    @property
    def arrays(self) -> list[str]:
        """What the call reads, by the framework's names: x, and the weights."""
        if self.kind == "batch normalisation":
            given = {"weight": self.has_weight, "bias": self.has_weight}
            names = self.layout.norm_names
        else:
            given = {"weight": self.kind in WITH_KERNEL, "bias": self.has_bias}
            names = self.layout.names
        return ["x", *(theirs for name, theirs in names.items() if given.get(name, True))]

    @property
    def axes(self) -> int:
        """How many axes the window slides over."""
        return len(self.window.axes)

    @property
    def stride(self) -> tuple[int, ...]:
        """The stride of each axis."""
        return tuple(axis.stride for axis in self.window.axes)

    @property
    def dilation(self) -> tuple[int, ...]:
        """The dilation of each axis."""
        return tuple(axis.dilation for axis in self.window.axes)

    @property
    def input_dilation(self) -> tuple[int, ...]:
        """The input dilation of each axis."""
        return tuple(axis.input_dilation for axis in self.window.axes)

    @property
    def low(self) -> tuple[int, ...]:
        """The padding of the low side of each axis."""
        return tuple(axis.padding for axis in self.window.axes)

    @property
    def strides_taps(self) -> bool:
        """Whether there are strides and dilations together, which some refuse."""
        return max(self.stride) > 1 and max(self.dilation) > 1

    @property
    def ends(self) -> Ends:
        """Padding (low, high) an axis; what a stride leaves over at the end is not cropped."""
        return tuple(
            (a.padding, max(a.high, 0) if -a.high < a.stride else a.high) for a in self.window.axes
        )

    @property
    def exact_ends(self) -> Ends:
        """Padding (low, high) an axis, to the cell: what is not needed is cropped."""
        return tuple((axis.padding, axis.high) for axis in self.window.axes)

    @property
    def is_padded(self) -> bool:
        """Whether there is any padding."""
        return any(end for pair in self.ends for end in pair)

    @property
    def is_same(self) -> bool:
        """Whether the padding is what TensorFlow calls SAME."""
        return self.ends == tuple(
            named_padding("same", a.input, a.kernel, stride=a.stride, dilation=a.dilation)
            for a in self.window.axes
        )

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel has its own kernels: the case that has layers of its own."""
        return is_depthwise(self.axes, self.input[1], self.groups)

    def moved(self, ends: Ends) -> SizedLayer:
        """The same layer on an image that is larger by these cells, its padding a part of it."""
        axes = (axis.moved(*pair) for axis, pair in zip(self.window.axes, ends, strict=True))
        return replace(self, window=Window(tuple(axes)))


def is_depthwise(axes: int, channels: int, groups: int) -> bool:
    """Two axes and as many groups as channels, more than one."""
    return axes == 2 and groups == channels > 1


def sized_layer(layer: Any, input_shape: Sequence[int], layout: Layout) -> SizedLayer:
    """A layer of `nn`, or an operator, for inputs of this shape (batch, channels,
    sizes; all of a linear layer's axes)."""
    shape = shape_of("input_shape", input_shape)
    if isinstance(layer, Operator):
        return _of_operator(layer, shape, layout)
    _check(layer, shape)
    operators = [node.operator for node in layer.traced(Spec(shape)).graph]
    has_bias = getattr(layer, "bias", None) is not None
    if isinstance(layer, nn.Linear):
        return SizedLayer("linear", shape, layout, has_bias=has_bias)
    flip = bool(getattr(layer, "flip", False))
    operator, *more = operators[1:] if flip else operators  # the first flips the kernel
    if more or getattr(layer, "divisor_override", None) is not None:
        raise UnsupportedError(f"{layer!r} is more than one operator; write them one by one")
    has_weight = getattr(layer, "weight", None) is not None
    sized = _of_operator(operator, shape, layout)
    return replace(sized, has_weight=has_weight, has_bias=has_bias, flip=flip)


def _check(layer: Any, shape: tuple[int, ...]) -> None:
    """Refuse a layer that has no equivalent call."""
    if not isinstance(layer, (*CONVOLUTIONS, *TRANSPOSED, *LOCAL, *NORMS, *POOLS, nn.Linear)):
        names = "layers that slide a window, linear and batch normalisation layers"
        raise UnsupportedError(
            f"{type(layer).__name__} has no equivalent call; there is one for {names}"
        )
    if prod(shape) == 0:
        raise ShapeError(f"input_shape is {shape}: a size is 0")
    if getattr(layer, "padding_mode", "zeros") != "zeros":
        raise UnsupportedError(f"padding_mode is {layer.padding_mode!r}; pad first, then call")
    if getattr(layer, "ceil_mode", False):
        raise UnsupportedError(
            "ceil_mode=True; pad the input first, then call with ceil_mode=False"
        )


def _of_operator(operator: Operator, shape: tuple[int, ...], layout: Layout) -> SizedLayer:
    kind = KINDS.get(type(operator))
    if kind is None:
        raise UnsupportedError(f"{operator.name} has no equivalent call")
    if isinstance(operator, Normalize):
        return SizedLayer(kind, shape, layout, eps=operator.eps, has_weight=True, has_bias=True)
    assert isinstance(operator, WindowOperator)  # noqa: S101 (all KINDS but that have a window)
    window = operator.window
    sizes = window.output if kind == "transposed" else window.input
    if shape[2:] != sizes or len(shape) < 2:
        raise ArgumentError(f"input_shape is {shape}; the operator is for (N, C, *{sizes})")
    groups = getattr(operator, "groups", 1)
    counts = getattr(operator, "count_padding", True)
    kind = kind if window.axes else "linear"
    return SizedLayer(kind, shape, layout, window, groups, count_padding=counts)
