"""A layer or operator with all its sizes known, to be written as another framework's call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from allconv import nn
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


NO_AXES = Window()


@dataclass(frozen=True)
class Problem:
    """A call with every size known.

    `window` is that of the forward convolution, also of a transposed one. `flip`: the kernel is
    flipped (true convolution). `has_weight` tells batch normalisation with a scale from that
    without.
    """

    kind: str
    input: tuple[int, ...]
    window: Window = NO_AXES
    groups: int = 1
    has_weight: bool = False
    has_bias: bool = False
    flip: bool = False
    eps: float = 1e-5
    count_padding: bool = True

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
    def ends(self) -> tuple[tuple[int, int], ...]:
        """Padding (low, high) an axis; what a stride leaves over at the end is not cropped."""
        return tuple(
            (a.padding, max(a.high, 0) if -a.high < a.stride else a.high) for a in self.window.axes
        )

    @property
    def exact_ends(self) -> tuple[tuple[int, int], ...]:
        """Padding (low, high) an axis, to the cell: what is not needed is cropped."""
        return tuple((axis.padding, axis.high) for axis in self.window.axes)

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

    def symmetric(self) -> tuple[int, ...] | None:
        """The padding as one number an axis, where that gives the same outputs."""
        found = []
        for axis, (low, _) in zip(self.window.axes, self.ends, strict=True):
            if low < 0 or axis.fitting(low, low) != axis.output:
                return None
            found.append(low)
        return tuple(found)


def is_depthwise(axes: int, channels: int, groups: int) -> bool:
    """Two axes and as many groups as channels, more than one."""
    return axes == 2 and groups == channels > 1


def problem_of(layer: Any, input_shape: Sequence[int]) -> Problem:
    """The problem of a layer of `nn`, or of an operator, for inputs of this shape (batch, channels,
    sizes; all of a linear layer's axes)."""
    shape = shape_of("input_shape", input_shape)
    if isinstance(layer, Operator):
        return _of_operator(layer, shape)
    known = (*CONVOLUTIONS, *TRANSPOSED, *LOCAL, *NORMS, *POOLS, nn.Linear)
    if not isinstance(layer, known):
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
    operators = [node.operator for node in layer.traced(Spec(shape)).graph]
    if isinstance(layer, nn.Linear):
        return Problem("linear", shape, has_bias=layer.bias is not None)
    flip = bool(getattr(layer, "flip", False))
    operator, *more = operators[1:] if flip else operators  # the first flips the kernel
    if more or getattr(layer, "divisor_override", None) is not None:
        raise UnsupportedError(f"{layer!r} is more than one operator; write them one by one")
    problem = _of_operator(operator, shape)
    return replace(
        problem,
        has_weight=getattr(layer, "weight", None) is not None,
        has_bias=getattr(layer, "bias", None) is not None,
        flip=flip,
    )


def _of_operator(operator: Operator, shape: tuple[int, ...]) -> Problem:
    kind = KINDS.get(type(operator))
    if kind is None:
        raise UnsupportedError(f"{operator.name} has no equivalent call")
    if isinstance(operator, Normalize):
        return Problem(kind, shape, eps=operator.eps, has_weight=True, has_bias=True)
    assert isinstance(operator, WindowOperator)  # noqa: S101 (all KINDS but that have a window)
    window = operator.window
    sizes = window.output if kind == "transposed" else window.input
    if shape[2:] != sizes or len(shape) < 2:
        raise ArgumentError(f"input_shape is {shape}; the operator is for (N, C, *{sizes})")
    if not window.axes:
        return Problem("linear", shape)
    return Problem(
        kind,
        shape,
        window,
        getattr(operator, "groups", 1),
        count_padding=getattr(operator, "count_padding", True),
    )
