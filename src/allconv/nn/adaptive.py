"""Layers that pool to a given size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from allconv import functional
from allconv.nn.module import Module


class _AdaptiveAvgPool(Module):
    """The setting of `functional.adaptive_avg_pool1d`, `...2d`, `...3d`."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(x, self.output_size)


class _AdaptiveMaxPool(Module):
    """The settings of `functional.adaptive_max_pool1d`, `...2d`, `...3d`."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any, *, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(x, self.output_size, return_indices=self.return_indices)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Average pooling of one axis to a given size."""

    function = staticmethod(functional.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Average pooling of two axes to given sizes."""

    function = staticmethod(functional.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Average pooling of three axes to given sizes."""

    function = staticmethod(functional.adaptive_avg_pool3d)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Max pooling of one axis to a given size."""

    function = staticmethod(functional.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Max pooling of two axes to given sizes."""

    function = staticmethod(functional.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Max pooling of three axes to given sizes."""

    function = staticmethod(functional.adaptive_max_pool3d)
