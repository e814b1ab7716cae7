"""`ac.rewrite.fold_batchnorm`: networks for inference without batch normalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from allconv.graph import Graph
from allconv.nn.module import Module
from allconv.nn.rewrites.graph_module import GraphModule, rewritten
from allconv.rewrite.folded import folded


def fold_batchnorm(
    net: Module | Graph | Callable[..., Any], input_shape: Sequence[int] | None = None
) -> GraphModule:
    """A network in inference whose batch normalisations are part of the convolutions before them.

    input_shape   of the images, (1, C, *I); a graph has its own

    The same numbers up to rounding, from fewer parameters; a normalisation that follows no
    convolution stays. The network that was given stays as it is.

    >>> from allconv import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    >>> list(fold_batchnorm(net, (1, 1, 8, 8)).state_dict())
    ['0.weight', '1.bias']

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2.
    """
    return rewritten(net, input_shape, folded)
