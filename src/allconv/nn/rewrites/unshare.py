"""`ac.rewrite.unshare`: convolutions as locally connected or linear layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from allconv.errors import ArgumentError
from allconv.graph import Graph
from allconv.nn.module import Module
from allconv.nn.rewrites.graph_module import GraphModule, rewritten
from allconv.rewrite.unshared import unshared

KINDS = ("local", "linear")


def unshare(
    net: Module | Graph | Callable[..., Any],
    input_shape: Sequence[int] | None = None,
    *,
    to: str = "local",
) -> GraphModule:
    """A network that computes the same without sharing weights, for images of one size.

    input_shape   of the images, (1, C, *I); a graph has its own
    to            "local": convolutions become locally connected layers, the kernel once for each
                  output cell; "linear": these become linear layers, zero where no tap lies

    Parameters keep their names; their shapes are those of the new layers.

    >>> from allconv import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 1, 3))
    >>> for to in ("local", "linear"):
    ...     unshare(net, (1, 1, 4, 4), to=to).parameters()["0.weight"].shape
    (1, 1, 3, 3, 2, 2)
    (4, 16)
    """
    if to not in KINDS:
        raise ArgumentError(f"to is {to!r}; {' or '.join(map(repr, KINDS))} is expected")
    return rewritten(net, input_shape, partial(unshared, linear=to == "linear"))
