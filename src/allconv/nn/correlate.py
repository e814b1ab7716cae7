"""Convolutional and locally connected layers."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from allconv.errors import ArgumentError
from allconv.functional.correlate import check_padding_mode, transpose_window
from allconv.functional.settings import window_of
from allconv.intake.settings import flag, whole
from allconv.nn.layer import Layer, over_axes
from allconv.nn.parameter import HeNormal, constant

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LocallyConnected1d",
    "LocallyConnected2d",
    "LocallyConnected3d",
    "LocallyConnectedTranspose1d",
    "LocallyConnectedTranspose2d",
    "LocallyConnectedTranspose3d",
]


class _Weighted(Layer):
    """A layer with weights, which begin by He et al. 2015, and biases, which begin with 0."""

    groups: int
    bias: Any

    _sizes: ClassVar = {"in_channels": "int", "out_channels": "int", "kernel_size": "Sizes"}
    _holds = ("weight", "bias")

    def _take_channels(self) -> None:
        """Channels and groups as positive whole numbers; refused where they do not divide."""
        groups = self.groups = whole("groups", self.groups, least=1)
        for name in ("in_channels", "out_channels"):
            channels = whole(name, getattr(self, name), least=1)
            if channels % groups:
                raise ArgumentError(f"groups is {groups}, which does not divide {name} {channels}")
            setattr(self, name, channels)

    def _begin_weights(self, weight: tuple[int, ...], bias: tuple[int, ...], terms: float) -> None:
        """Parameters of these shapes; an output is a sum of so many terms."""
        biased = flag("bias", self.bias)
        self.parameter("weight", weight, HeNormal(terms))
        self.bias = constant(bias, 0.0) if biased else None


class _Conv(_Weighted):
    """A convolutional layer.

    weight (out_channels, in_channels/groups, *kernel_size), bias (out_channels,).
    """

    def _begin(self) -> None:
        self._take_channels()
        check_padding_mode(self.padding_mode)
        for name in ("stride", "dilation", "input_dilation"):
            self._each_axis(name)
        cells = (self.in_channels // self.groups, *self._each_axis("kernel_size"))
        self._begin_weights((self.out_channels, *cells), (self.out_channels,), prod(cells))


class _ConvTranspose(_Weighted):
    """A transposed convolution.

    weight (in_channels, out_channels/groups, *kernel_size), bias (out_channels,); an output meets
    prod(K)/prod(stride) taps.
    """

    _only = ("dilation",)

    def _begin(self) -> None:
        self._take_channels()
        self._each_axis("dilation")
        kernel, stride = self._each_axis("kernel_size"), self._each_axis("stride")
        weight = (self.in_channels, self.out_channels // self.groups, *kernel)
        taps = max(prod(kernel) / prod(stride), 1.0)
        self._begin_weights(weight, (self.out_channels,), self.in_channels // self.groups * taps)


class _LocallyConnected(_Weighted):
    """A locally connected layer, for inputs of one size.

    weight (out_channels, in_channels/groups, *kernel_size, *P), bias (out_channels, *P); P are the
    sizes of the output.
    """

    _sizes: ClassVar = {**_Weighted._sizes, "input_size": "Sizes"}

    def _begin(self) -> None:
        self._take_channels()
        i, k = map(self._each_axis, ("input_size", "kernel_size"))
        output = window_of(i, k, self.stride, self.padding, self.dilation).output
        cells = (self.in_channels // self.groups, *k)
        self._begin_weights(
            (self.out_channels, *cells, *output), (self.out_channels, *output), prod(cells)
        )


class _LocallyConnectedTranspose(_Weighted):
    """A transposed locally connected layer, for inputs of one size.

    weight (in_channels, out_channels/groups, *kernel_size, *input_size), bias (out_channels, *I);
    I are the sizes of the output, that is, of what the layer is the transpose of. An output meets
    prod(K)/prod(stride) taps.
    """

    _sizes: ClassVar = {**_Weighted._sizes, "input_size": "Sizes"}
    _only = ("dilation",)

    def _begin(self) -> None:
        self._take_channels()
        i, k, s = map(self._each_axis, ("input_size", "kernel_size", "stride"))
        window = transpose_window(
            i, k, s, self.padding, self.output_padding, self.dilation, self.output_size
        )
        weight = (self.in_channels, self.out_channels // self.groups, *k, *i)
        taps = max(prod(k) / prod(s), 1.0)
        bias = (self.out_channels, *window.input)
        self._begin_weights(weight, bias, self.in_channels // self.groups * taps)


Conv1d, Conv2d, Conv3d = over_axes("Conv", _Conv, "conv")
ConvTranspose1d, ConvTranspose2d, ConvTranspose3d = over_axes(
    "ConvTranspose", _ConvTranspose, "conv_transpose"
)
LocallyConnected1d, LocallyConnected2d, LocallyConnected3d = over_axes(
    "LocallyConnected", _LocallyConnected, "locally_connected"
)
LocallyConnectedTranspose1d, LocallyConnectedTranspose2d, LocallyConnectedTranspose3d = over_axes(
    "LocallyConnectedTranspose", _LocallyConnectedTranspose, "locally_connected_transpose"
)
