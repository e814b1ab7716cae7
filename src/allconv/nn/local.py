"""Locally connected layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

from allconv import functional
from allconv.functional.correlate import transpose_window
from allconv.functional.settings import Padding, Sizes, pairs, per_axis
from allconv.nn.correlate import take_channels
from allconv.nn.initializers import HeNormal
from allconv.nn.module import Module
from allconv.nn.parameter import constant
from allconv.settings import flag
from allconv.window import Window


class _LocallyConnected(Module):
    """The settings of `functional.locally_connected1d` ... and the weights for one input size.

    weight (out_channels, in_channels/groups, *kernel_size, *P), bias (out_channels, *P); P are the
    sizes of the output. Weights begin by He et al. 2015, biases with 0.
    """

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
    ) -> None:
        in_channels, out_channels, groups = take_channels(in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.input_size, self.stride = kernel_size, input_size, stride
        self.padding, self.dilation = padding, dilation
        names = ("input_size", "kernel_size", "stride", "dilation")
        i, k, s, d = (per_axis(name, getattr(self, name), self.axes) for name in names)
        window = Window.forward(i, k, stride=s, dilation=d, padding=pairs(padding, i, k, s, d))
        shape = (out_channels, in_channels // groups, *k)
        self.parameter("weight", (*shape, *window.output), HeNormal(prod(shape[1:])))
        self.bias = constant((out_channels, *window.output), 0.0) if flag("bias", bias) else None

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class _LocallyConnectedTranspose(Module):
    """The settings of `functional.locally_connected_transpose1d` ... and the weights.

    weight (in_channels, out_channels/groups, *kernel_size, *input_size), bias (out_channels, *I);
    I are the sizes of the output, that is, of what the layer is the transpose of. Weights begin by
    He et al. 2015 (an output meets prod(K)/prod(stride) taps), biases with 0.
    """

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
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
        self.kernel_size, self.input_size, self.stride = kernel_size, input_size, stride
        self.padding, self.output_padding = padding, output_padding
        self.dilation, self.output_size = dilation, output_size
        names = ("input_size", "kernel_size", "stride", "dilation")
        i, k, s, d = (per_axis(name, getattr(self, name), self.axes) for name in names)
        extra = per_axis("output_padding", output_padding, self.axes, least=0)
        size = None if output_size is None else per_axis("output_size", output_size, self.axes)
        window = transpose_window(i, k, s, padding, extra, d, size)
        taps = max(prod(k) / prod(s), 1.0)
        shape = (in_channels, out_channels // groups, *k, *i)
        self.parameter("weight", shape, HeNormal(in_channels // groups * taps))
        self.bias = constant((out_channels, *window.input), 0.0) if flag("bias", bias) else None

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


class LocallyConnected1d(_LocallyConnected):
    """A locally connected layer over one axis, for inputs of one size."""

    axes, function = 1, staticmethod(functional.locally_connected1d)


class LocallyConnected2d(_LocallyConnected):
    """A locally connected layer over two axes, for inputs of one size."""

    axes, function = 2, staticmethod(functional.locally_connected2d)


class LocallyConnected3d(_LocallyConnected):
    """A locally connected layer over three axes, for inputs of one size."""

    axes, function = 3, staticmethod(functional.locally_connected3d)


class LocallyConnectedTranspose1d(_LocallyConnectedTranspose):
    """A transposed locally connected layer over one axis, for inputs of one size."""

    axes, function = 1, staticmethod(functional.locally_connected_transpose1d)


class LocallyConnectedTranspose2d(_LocallyConnectedTranspose):
    """A transposed locally connected layer over two axes, for inputs of one size."""

    axes, function = 2, staticmethod(functional.locally_connected_transpose2d)


class LocallyConnectedTranspose3d(_LocallyConnectedTranspose):
    """A transposed locally connected layer over three axes, for inputs of one size."""

    axes, function = 3, staticmethod(functional.locally_connected_transpose3d)
