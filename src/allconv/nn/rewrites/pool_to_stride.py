"""`ac.rewrite.pool_to_stride`: pooling layers as convolutions that learn how to pool."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from allconv.errors import ArgumentError, UnsupportedError
from allconv.nn.correlate import Conv1d, Conv2d, Conv3d
from allconv.nn.module import Module
from allconv.nn.pool import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from allconv.nn.rewrites.exchange import put
from allconv.nn.rewrites.graph_module import record_network
from allconv.operators.arrange import Pad
from allconv.operators.base import Array
from allconv.operators.pool import AveragePool, MaxPool
from allconv.window import Window

_CONVOLUTIONS = {1: Conv1d, 2: Conv2d, 3: Conv3d}
_POOLS = (AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d)


@dataclass(frozen=True)
class Strided:
    """A network without pooling layers, and what has to be trained.

    `approximate` names the layers that only begin near what they replace (max pooling has no
    weights that equal it); `parameters` those that are new.
    """

    net: Module
    replaced: tuple[str, ...]
    approximate: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def needs_training(self) -> bool:
        """Whether the network computes something else than the one before."""
        return bool(self.approximate)

    def __str__(self) -> str:
        count = len(self.replaced)
        layers = f"{count} pooling layer{'s' * (count != 1)}"
        told = f"{layers} replaced by strided convolutions: {', '.join(self.replaced)}"
        if not self.needs_training:
            return f"{told}; they begin as the averages that they replace"
        return (
            f"{told}; max pooling is not a convolution: {', '.join(self.approximate)} begin as "
            "averages, so the network NEEDS TRAINING before it is used"
        )


def pool_to_stride(net: Module, input_shape: Sequence[int]) -> Strided:
    """A copy of a network whose pooling layers are convolutions of the same window and stride.

    input_shape   of the images, (N, C, *I), from which the layers' channels are known

    Each convolution goes from all C channels to C and begins as the average of its own channel:
    weight[o, c, k] = 1 / prod(K) where o = c, else 0, bias 0; at borders padding counts as zeros.
    That is average pooling exactly, and max pooling not: the result says what needs training.
    Global and adaptive pooling stay, as in the paper.

    >>> from allconv import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    >>> strided = pool_to_stride(net, (1, 1, 28, 28))
    >>> strided.needs_training, type(strided.net[2]).__name__, strided.net[2].weight.shape
    (True, 'Conv2d', (4, 4, 2, 2))

    Source: Springenberg et al. 2015, arXiv:1412.6806, section 2.
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"net is {type(net).__name__}; a module is expected")
    if isinstance(net, _POOLS):
        raise ArgumentError("net is a pooling layer itself; pass nn.Sequential(net)")
    found = _windows(net, input_shape)
    if not found:
        raise UnsupportedError("the network has no pooling layer to replace")
    copy = deepcopy(net)
    modules = dict(copy.named_modules())
    approximate = []
    for name, (operator, channels) in found.items():
        put(copy, modules[name], _convolution(operator.window, channels))
        if isinstance(operator, MaxPool) or not _is_average(operator):
            approximate.append(name)
    new = tuple(f"{name}.{each}" for name in found for each in ("weight", "bias"))
    return Strided(copy, tuple(found), tuple(approximate), new)


def _windows(
    net: Module, input_shape: Sequence[int]
) -> dict[str, tuple[MaxPool | AveragePool, int]]:
    """Window and channels of every pooling layer by the layer's name."""
    names = {
        f"{n} ({type(m).__name__})": n for n, m in net.named_modules() if isinstance(m, _POOLS)
    }
    found: dict[str, tuple[MaxPool | AveragePool, int]] = {}
    modules = dict(net.named_modules())
    graph = record_network(net, input_shape)[0].graph
    made = {value: node for node in graph for value in node.outputs}
    for node in graph:
        operator = node.operator
        if node.path in names:
            _check_alone(modules[names[node.path]], node.path)
        if not isinstance(operator, MaxPool | AveragePool):
            continue
        before = made.get(node.inputs[0])
        if before is not None and before.path == node.path and isinstance(before.operator, Pad):
            operator = replace(operator, window=_with_border(operator.window, before.operator))
        if node.path not in names:
            if isinstance(operator, MaxPool):
                error = UnsupportedError(
                    "max pooling by a function, not by a layer, cannot be replaced; use nn.MaxPool"
                )
                raise error.at(node.path)
            continue  # global or adaptive
        name, now = names[node.path], (operator, node.inputs[0].shape[1])
        if found.setdefault(name, now) != now:
            raise UnsupportedError("the layer is used for two shapes").at(node.path)
    return found


def _check_alone(layer: Module, path: str) -> None:
    """Refuse pooling that is more than the largest, or the mean, under a window."""
    for name in ("return_indices", "divisor_override"):
        if getattr(layer, name, None):
            raise UnsupportedError(f"{name} has no convolution in its place").at(path)


def _with_border(window: Window, border: Pad) -> Window:
    """A window over an input whose padding was made before, as one with that padding."""
    pairs = zip(window.axes, border.pairs[2:], strict=True)
    return Window(tuple(axis.moved(-low, -high) for axis, (low, high) in pairs))


def _is_average(operator: AveragePool) -> bool:
    """Whether every output divides by all taps, as a convolution does."""
    counts = operator.counts()
    return bool((counts == operator.window.taps).all())


def _convolution(window: Window, channels: int) -> Module:
    axes = window.axes
    pads = tuple((a.padding, max(a.high, a.padding)) for a in axes)
    made = _CONVOLUTIONS[len(axes)](
        channels,
        channels,
        window.kernel,
        tuple(a.stride for a in axes),
        pads,
        tuple(a.dilation for a in axes),
    )
    made.weight = _averages(channels, window.kernel)
    return made


def _averages(channels: int, kernel: tuple[int, ...]) -> Array:
    """(C, C, *K): each channel's own average."""
    eye = np.eye(channels).reshape(channels, channels, *(1,) * len(kernel))
    return np.broadcast_to(eye / prod(kernel), (channels, channels, *kernel)).copy()
