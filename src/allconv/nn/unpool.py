"""Layers that put values back where a max pooling found them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from allconv import functional
from allconv.functional.settings import Sizes, per_axis
from allconv.nn.module import Module


class _MaxUnpool(Module):
    """The settings of `functional.max_unpool1d`, `max_unpool2d`, `max_unpool3d`."""

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        output_size: Sizes | None = None,
    ) -> None:
        per_axis("kernel_size", kernel_size, self.axes)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.output_size = output_size

    def forward(self, x: Any, indices: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(
            x, indices, self.kernel_size, self.stride, self.padding, self.output_size
        )


class MaxUnpool1d(_MaxUnpool):
    """Max unpooling over one axis; settings as in `functional.max_unpool1d`."""

    axes, function = 1, staticmethod(functional.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Max unpooling over two axes; settings as in `functional.max_unpool2d`."""

    axes, function = 2, staticmethod(functional.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Max unpooling over three axes; settings as in `functional.max_unpool3d`."""

    axes, function = 3, staticmethod(functional.max_unpool3d)
