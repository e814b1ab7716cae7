"""Layers of layer, RMS, group and instance normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allconv import functional
from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import take_float
from allconv.intake.settings import flag, is_sequence, shape_of, whole
from allconv.nn.module import Module
from allconv.nn.normalize import OfChannels
from allconv.nn.parameter import constant

__all__ = [
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "RMSNorm",
]


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    given = normalized_shape if is_sequence(normalized_shape) else [normalized_shape]
    sizes = shape_of("normalized_shape", given)
    if not sizes or 0 in sizes:
        raise ArgumentError(f"normalized_shape is {sizes}; sizes of at least 1 are expected")
    return sizes


class LayerNorm(Module):
    """Layer normalisation of the last axes; see `functional.layer_norm`.

    weight and bias have the shape normalized_shape; neither is there with
    elementwise_affine=False.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        *,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        sizes = self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = flag("elementwise_affine", elementwise_affine)
        self.weight = constant(sizes, 1.0) if self.elementwise_affine else None
        has_bias = flag("bias", bias) and self.elementwise_affine
        self.bias = constant(sizes, 0.0) if has_bias else None

    def forward(self, x: Any) -> Any:
        """See `functional.layer_norm`."""
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(Module):
    """Root mean square normalisation of the last axes; see `functional.rms_norm`.

    weight has the shape normalized_shape; it is not there with elementwise_affine=False.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        *,
        elementwise_affine: bool = True,
    ) -> None:
        sizes = self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = flag("elementwise_affine", elementwise_affine)
        self.weight = constant(sizes, 1.0) if self.elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """See `functional.rms_norm`."""
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    """Normalisation of each group of channels of an image; see `functional.group_norm`.

    weight and bias (num_channels,), unless affine=False.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, *, affine: bool = True
    ) -> None:
        groups = self.num_groups = whole("num_groups", num_groups, least=1)
        channels = self.num_channels = whole("num_channels", num_channels, least=1)
        if channels % groups:
            raise ArgumentError(
                f"num_groups is {groups}, which does not divide num_channels {channels}"
            )
        self.eps, self.affine = eps, flag("affine", affine)
        self.weight = constant((channels,), 1.0) if self.affine else None
        self.bias = constant((channels,), 0.0) if self.affine else None

    def forward(self, x: Any) -> Any:
        """See `functional.group_norm`."""
        x = take_float("x", x)
        if len(x.shape) < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"num_channels is {self.num_channels}, the layers before give {x.shape}; "
                "the channels are expected second"
            )
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class _InstanceNorm(OfChannels):
    """Normalisation of each channel of an image; see `functional.instance_norm`.

    weight, bias (num_features,) with affine=True; buffers running_mean, running_var
    (num_features,) and num_batches_tracked with track_running_stats=True: then these count in
    inference.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        self._keep(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, x: Any) -> Any:
        """The normalised x; in training the pass takes the new running statistics along."""
        x = self._taken(x)
        arrays = (self.running_mean, self.running_var, self.weight, self.bias)
        settings = (self.momentum, self.eps)
        if not self.track_running_stats or not self.training:
            own = not self.track_running_stats
            return functional.instance_norm(x, *arrays, *settings, use_input_stats=own)
        y, mean, variance = functional.instance_norm(x, *arrays, *settings)
        self.running_mean, self.running_var = mean, variance
        return y


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of x (N, C, I)."""

    axes = (3,)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of x (N, C, H, W)."""

    axes = (4,)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of x (N, C, D, H, W)."""

    axes = (5,)
