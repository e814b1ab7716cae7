"""Layers of batch normalisation and of local response normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from allconv import functional
from allconv.errors import ShapeError, UnsupportedError
from allconv.functional.call import take_float
from allconv.intake.settings import flag, whole
from allconv.nn.layer import Layer
from allconv.nn.module import Module
from allconv.nn.parameter import Buffer, SameNumber, constant, tally

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LocalResponseNorm"]


class OfChannels(Module):
    """Base of what normalises each channel: weight, bias (num_features,) if affine, and running
    statistics if they are tracked."""

    axes: ClassVar[tuple[int, ...]]

    def _keep(
        self,
        num_features: int,
        eps: float,
        momentum: float,
        affine: bool,
        track_running_stats: bool,
    ) -> None:
        """Keep the settings, and make the arrays."""
        channels = self.num_features = whole("num_features", num_features, least=1)
        self.eps, self.momentum, self.affine = eps, momentum, flag("affine", affine)
        self.track_running_stats = flag("track_running_stats", track_running_stats)
        self.weight = constant((channels,), 1.0) if self.affine else None
        self.bias = constant((channels,), 0.0) if self.affine else None
        tracked = self.track_running_stats
        self.running_mean = Buffer.drawn((channels,), SameNumber(0.0)) if tracked else None
        self.running_var = Buffer.drawn((channels,), SameNumber(1.0)) if tracked else None
        self.num_batches_tracked = tally() if tracked else None

    def _taken(self, x: Any) -> Any:
        """x, with the axes and the channels that are expected."""
        x = take_float("x", x)
        if len(x.shape) not in self.axes or x.shape[1] != self.num_features:
            raise ShapeError(
                f"num_features is {self.num_features}, the layers before give {x.shape}; "
                f"{' or '.join(map(str, self.axes))} axes with the channels second are expected"
            )
        return x


class _BatchNorm(OfChannels):
    """Batch normalisation of each channel; see `functional.batch_norm`.

    weight, bias (num_features,), unless affine=False; buffers running_mean, running_var
    (num_features,) and num_batches_tracked, which is kept for PyTorch's files and not counted.
    With track_running_stats=False there are no buffers: the batch's own statistics count in
    inference, too.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        if momentum is None:
            raise UnsupportedError(
                "momentum is None, a plain average over all batches, which is not supported; give "
                "a number from 0 to 1"
            )
        self._keep(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, x: Any) -> Any:
        """The normalised x; in training the pass takes the new running statistics along."""
        x = self._taken(x)
        arrays = (self.running_mean, self.running_var, self.weight, self.bias)
        settings = (self.momentum, self.eps)
        if not self.track_running_stats:
            unused = np.ones(self.num_features, str(x.dtype))
            given = (unused, unused, self.weight, self.bias)
            return functional.batch_norm(x, *given, *settings, training=True)[0]
        if not self.training:
            return functional.batch_norm(x, *arrays, *settings)
        y, mean, variance = functional.batch_norm(x, *arrays, *settings, training=True)
        self.running_mean, self.running_var = mean, variance
        return y


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of x (N, C) or (N, C, I)."""

    axes = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of x (N, C, H, W)."""

    axes = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of x (N, C, D, H, W)."""

    axes = (5,)


class LocalResponseNorm(Layer):
    """Each cell divided by a power of the squares around its channel; see
    `functional.local_response_norm`."""

    _function = staticmethod(functional.local_response_norm)
