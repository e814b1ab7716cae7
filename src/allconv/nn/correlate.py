"""Convolutional layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

from allconv import functional
from allconv.errors import ArgumentError
from allconv.functional.correlate import check_padding_mode
from allconv.functional.settings import Padding, Sizes, per_axis
from allconv.nn.initializers import HeNormal
from allconv.nn.module import Module
from allconv.nn.parameter import constant
from allconv.settings import flag, whole


def take_channels(in_channels: Any, out_channels: Any, groups: Any) -> tuple[int, int, int]:
    """Channels and groups as positive whole numbers; refused where they do not divide."""
    count = whole("groups", groups, least=1)
    taken = []
    for name, given in (("in_channels", in_channels), ("out_channels", out_channels)):
        channels = whole(name, given, least=1)
        if channels % count:
            raise ArgumentError(f"groups is {count}, which does not divide {name} {channels}")
        taken.append(channels)
    return taken[0], taken[1], count


class _Conv(Module):
    """The settings of `functional.conv1d`, `conv2d`, `conv3d`, and the weights.

    weight (out_channels, in_channels/groups, *kernel_size), bias (out_channels,).
    Weights begin by He et al. 2015, biases with 0.
    """

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
        padding_mode: str = "zeros",
        input_dilation: Sizes = 1,
        flip: bool = False,
    ) -> None:
        in_channels, out_channels, groups = take_channels(in_channels, out_channels, groups)
        check_padding_mode(padding_mode)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.input_dilation = dilation, input_dilation
        self.padding_mode, self.flip = padding_mode, flip
        kernel = per_axis("kernel_size", kernel_size, self.axes)
        for name in ("stride", "dilation", "input_dilation"):
            per_axis(name, getattr(self, name), self.axes)
        shape = (out_channels, in_channels // groups, *kernel)
        self.parameter("weight", shape, HeNormal(prod(shape[1:])))
        self.bias = constant((out_channels,), 0.0) if flag("bias", bias) else None

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            padding_mode=self.padding_mode,
            input_dilation=self.input_dilation,
            flip=self.flip,
        )


class _ConvTranspose(Module):
    """The settings of `functional.conv_transpose1d` ... and the weights.

    weight (in_channels, out_channels/groups, *kernel_size), bias (out_channels,).
    Weights begin by He et al. 2015 (an output meets prod(K)/prod(stride) taps), biases with 0.
    """

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> None:
        in_channels, out_channels, groups = take_channels(in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.output_padding, self.output_size = dilation, output_padding, output_size
        per_axis("dilation", dilation, self.axes)
        kernel = per_axis("kernel_size", kernel_size, self.axes)
        shape = (in_channels, out_channels // groups, *kernel)
        taps = max(prod(kernel) / prod(per_axis("stride", stride, self.axes)), 1.0)
        self.parameter("weight", shape, HeNormal(in_channels // groups * taps))
        self.bias = constant((out_channels,), 0.0) if flag("bias", bias) else None

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
            output_size=self.output_size,
        )


class Conv1d(_Conv):
    """A convolutional layer over one axis; settings as in `functional.conv1d`."""

    axes, function = 1, staticmethod(functional.conv1d)


class Conv2d(_Conv):
    """A convolutional layer over two axes; settings as in `functional.conv2d`."""

    axes, function = 2, staticmethod(functional.conv2d)


class Conv3d(_Conv):
    """A convolutional layer over three axes; settings as in `functional.conv3d`."""

    axes, function = 3, staticmethod(functional.conv3d)


class ConvTranspose1d(_ConvTranspose):
    """A transposed convolution over one axis; settings as in `functional.conv_transpose1d`."""

    axes, function = 1, staticmethod(functional.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """A transposed convolution over two axes; settings as in `functional.conv_transpose2d`."""

    axes, function = 2, staticmethod(functional.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """A transposed convolution over three axes; settings as in `functional.conv_transpose3d`."""

    axes, function = 3, staticmethod(functional.conv_transpose3d)
