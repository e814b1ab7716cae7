"""Pooling layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from allconv import functional
from allconv.functional.settings import Sizes, per_axis
from allconv.nn.module import Module


class _MaxPool(Module):
    """The settings of `functional.max_pool1d`, `max_pool2d`, `max_pool3d`."""

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        *,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        per_axis("kernel_size", kernel_size, self.axes)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode, self.return_indices = dilation, ceil_mode, return_indices

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class _AvgPool(Module):
    """The settings of `functional.avg_pool1d`, `avg_pool2d`, `avg_pool3d`."""

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        per_axis("kernel_size", kernel_size, self.axes)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
            divisor_override=self.divisor_override,
        )


class _LPPool(Module):
    """The settings of `functional.lp_pool1d`, `lp_pool2d`, `lp_pool3d`."""

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        *,
        ceil_mode: bool = False,
    ) -> None:
        per_axis("kernel_size", kernel_size, self.axes)
        self.norm_type, self.kernel_size, self.stride = norm_type, kernel_size, stride
        self.ceil_mode = ceil_mode

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x, self.norm_type, self.kernel_size, self.stride, ceil_mode=self.ceil_mode
        )


class _Global(Module):
    """Pooling of a whole image: its function with output_size 1."""

    function: ClassVar[Callable[..., Any]]

    def forward(self, x: Any) -> Any:
        """See the function named in the class, with output_size 1."""
        return type(self).function(x, 1)


class MaxPool1d(_MaxPool):
    """Max pooling over one axis; settings as in `functional.max_pool1d`."""

    axes, function = 1, staticmethod(functional.max_pool1d)


class MaxPool2d(_MaxPool):
    """Max pooling over two axes; settings as in `functional.max_pool2d`."""

    axes, function = 2, staticmethod(functional.max_pool2d)


class MaxPool3d(_MaxPool):
    """Max pooling over three axes; settings as in `functional.max_pool3d`."""

    axes, function = 3, staticmethod(functional.max_pool3d)


class AvgPool1d(_AvgPool):
    """Average pooling over one axis; settings as in `functional.avg_pool1d`."""

    axes, function = 1, staticmethod(functional.avg_pool1d)


class AvgPool2d(_AvgPool):
    """Average pooling over two axes; settings as in `functional.avg_pool2d`."""

    axes, function = 2, staticmethod(functional.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Average pooling over three axes; settings as in `functional.avg_pool3d`."""

    axes, function = 3, staticmethod(functional.avg_pool3d)


class LPPool1d(_LPPool):
    """Norm pooling over one axis; settings as in `functional.lp_pool1d`."""

    axes, function = 1, staticmethod(functional.lp_pool1d)


class LPPool2d(_LPPool):
    """Norm pooling over two axes; settings as in `functional.lp_pool2d`."""

    axes, function = 2, staticmethod(functional.lp_pool2d)


class LPPool3d(_LPPool):
    """Norm pooling over three axes; settings as in `functional.lp_pool3d`."""

    axes, function = 3, staticmethod(functional.lp_pool3d)


class GlobalAvgPool1d(_Global):
    """The mean of each channel: x (N, C, L) -> (N, C, 1)."""

    function = staticmethod(functional.adaptive_avg_pool1d)


class GlobalAvgPool2d(_Global):
    """The mean of each channel: x (N, C, H, W) -> (N, C, 1, 1)."""

    function = staticmethod(functional.adaptive_avg_pool2d)


class GlobalAvgPool3d(_Global):
    """The mean of each channel: x (N, C, D, H, W) -> (N, C, 1, 1, 1)."""

    function = staticmethod(functional.adaptive_avg_pool3d)


class GlobalMaxPool1d(_Global):
    """The largest value of each channel: x (N, C, L) -> (N, C, 1)."""

    function = staticmethod(functional.adaptive_max_pool1d)


class GlobalMaxPool2d(_Global):
    """The largest value of each channel: x (N, C, H, W) -> (N, C, 1, 1)."""

    function = staticmethod(functional.adaptive_max_pool2d)


class GlobalMaxPool3d(_Global):
    """The largest value of each channel: x (N, C, D, H, W) -> (N, C, 1, 1, 1)."""

    function = staticmethod(functional.adaptive_max_pool3d)
