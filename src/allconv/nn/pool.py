"""Pooling layers, and those that undo a max pooling."""

from __future__ import annotations

from typing import ClassVar

from allconv.nn.layer import Layer, over_axes

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalAvgPool3d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GlobalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _Pool(Layer): ...


class _GlobalAvg(Layer):
    """The mean of each channel: x (N, C, *I) -> (N, C, 1, ...)."""

    _fixed: ClassVar = {"output_size": 1}


class _GlobalMax(Layer):
    """The largest value of each channel: x (N, C, *I) -> (N, C, 1, ...)."""

    _fixed: ClassVar = {"output_size": 1, "return_indices": False}


class _Unpool(Layer):
    """Values put back where a max pooling found them: forward(x, indices)."""

    _inputs = 2
    _only = ("output_size",)


MaxPool1d, MaxPool2d, MaxPool3d = over_axes("MaxPool", _Pool, "max_pool")
AvgPool1d, AvgPool2d, AvgPool3d = over_axes("AvgPool", _Pool, "avg_pool")
LPPool1d, LPPool2d, LPPool3d = over_axes("LPPool", _Pool, "lp_pool")
AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d = over_axes(
    "AdaptiveAvgPool", _Pool, "adaptive_avg_pool"
)
AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d = over_axes(
    "AdaptiveMaxPool", _Pool, "adaptive_max_pool"
)
GlobalAvgPool1d, GlobalAvgPool2d, GlobalAvgPool3d = over_axes(
    "GlobalAvgPool", _GlobalAvg, "adaptive_avg_pool"
)
GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d = over_axes(
    "GlobalMaxPool", _GlobalMax, "adaptive_max_pool"
)
MaxUnpool1d, MaxUnpool2d, MaxUnpool3d = over_axes("MaxUnpool", _Unpool, "max_unpool")
