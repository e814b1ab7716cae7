"""Rewrites: one graph in, an equal one out; one rewrite per file, its cases in its docstring.

What users call takes networks and returns networks; it is defined in `nn.rewrites`, a file each:

    densify(net, input_shape)         a classifier as a fully convolutional network
    unshare(net, input_shape)         convolutions as locally connected or linear layers
    pool_to_stride(net, input_shape)  pooling as strided convolution, to be trained
    new_head(net, classes)            a classifier for other classes
    fold_batchnorm(net, input_shape)  batch normalisation as part of the convolutions

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import Any

from allconv.once import load

_DEFINED_IN = {
    "DenseNetwork": "nn.rewrites.densify",
    "densify": "nn.rewrites.densify",
    "fold_batchnorm": "nn.rewrites.fold_batchnorm",
    "new_head": "nn.rewrites.new_head",
    "pool_to_stride": "nn.rewrites.pool_to_stride",
    "unshare": "nn.rewrites.unshare",
}

__all__ = [*_DEFINED_IN]


def __getattr__(name: str) -> Any:
    return load("allconv.rewrite", _DEFINED_IN, name)


def __dir__() -> list[str]:
    return list(_DEFINED_IN)
