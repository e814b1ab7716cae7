"""Locally connected layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

from allconv import functional
from allconv.functional.settings import Padding, Sizes, pairs, per_axis
from allconv.nn.correlate import check_groups
from allconv.nn.initializers import HeNormal
from allconv.nn.module import Module
from allconv.nn.parameter import constant
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
        check_groups(in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.input_size, self.stride = kernel_size, input_size, stride
        self.padding, self.dilation = padding, dilation
        names = ("input_size", "kernel_size", "stride", "dilation")
        i, k, s, d = (per_axis(name, getattr(self, name), self.axes) for name in names)
        window = Window.forward(i, k, stride=s, dilation=d, padding=pairs(padding, i, k, s, d))
        shape = (out_channels, in_channels // groups, *k)
        self.parameter("weight", (*shape, *window.output), HeNormal(prod(shape[1:])))
        self.bias = constant((out_channels, *window.output), 0.0) if bias else None

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
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
