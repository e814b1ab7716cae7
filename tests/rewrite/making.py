"""Small networks, drawn at random."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv import nn
from allconv.errors import Error

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVERAGE_POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
ADAPTIVE_POOLS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Drawn:
    """A classifier for images (1, C, *I), and what it is made of."""

    net: nn.Sequential
    shape: tuple[int, ...]
    kinds: frozenset[str]


def draw(seed: int, *, padded: bool) -> Drawn:
    """A classifier with up to three layers of windows and a head."""
    rng = random.Random(seed)  # noqa: S311 (draws tests)
    while True:
        axes = rng.choice((1, 2, 2, 2, 3))
        size = tuple(rng.randint(5, 13 if axes < 3 else 7) for _ in range(axes))
        shape = (1, rng.randint(1, 3), *size)
        layers: list[Any] = []
        kinds: set[str] = set()
        try:
            for _ in range(rng.randint(1, 3)):
                layers += _layer(rng, axes, _outputs(layers, shape)[1], kinds, padded=padded)
            layers += _head(rng, axes, _outputs(layers, shape), kinds)
            net = nn.Sequential(*layers)
            _outputs(layers, shape)
        except Error:
            continue  # a window did not fit, or does not divide: draw again
        return Drawn(begin(net, seed), shape, frozenset(kinds))


def _outputs(layers: list[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    if not layers:
        return shape
    from allconv.nn.tracing import trace_module
    from allconv.operators.base import Spec

    return trace_module(nn.Sequential(*layers), Spec(shape)).graph.outputs[0].shape


def _layer(
    rng: random.Random, axes: int, channels: int, kinds: set[str], *, padded: bool
) -> list[Any]:
    kernel, stride = rng.randint(1, 3), rng.choice((1, 1, 2, 3))
    pads = rng.choice((0, 1)) if padded else 0
    if rng.random() < 0.35:
        kernel = rng.randint(2, 3)
        kinds.add("pooled")
        settings = {"ceil_mode": padded and rng.random() < 0.3}
        step = rng.choice((None, stride))
        kinds.update({"strided"} if step != 1 else set())
        kinds.update({"padded"} if pads or settings["ceil_mode"] else set())
        if rng.random() < 0.5:
            return [MAX_POOLS[axes - 1](kernel, step, pads, **settings)]
        counted = rng.random() < 0.5
        pool = AVERAGE_POOLS[axes - 1]
        return [pool(kernel, step, pads, count_include_pad=counted, **settings)]
    dilation = rng.choice((1, 1, 2))
    groups = channels if rng.random() < 0.2 else 1
    out = groups * rng.randint(1, 3)
    padding: Any = pads
    if padded and rng.random() < 0.3:
        padding = tuple((rng.randint(-1, 2), rng.randint(-1, 2)) for _ in range(axes))
    kinds.update({"strided"} if stride > 1 else set())
    kinds.update({"dilated"} if dilation > 1 else set())
    kinds.update({"padded"} if padding else set())
    conv = CONVOLUTIONS[axes - 1](channels, out, kernel, stride, padding, dilation, groups)
    return [conv, *([NORMS[axes - 1](out)] if rng.random() < 0.3 else []), nn.ReLU()]


def _head(rng: random.Random, axes: int, shape: tuple[int, ...], kinds: set[str]) -> list[Any]:
    channels, size = shape[1], shape[2:]
    kind = rng.choice(("linear", "linear", "global", "adaptive", "convolution"))
    kinds.add(kind)
    if kind == "convolution":
        return [CONVOLUTIONS[axes - 1](channels, 4, size), nn.Flatten()]
    pool = []
    if kind == "global":
        pool, size = [ADAPTIVE_POOLS[axes - 1](1)], (1,) * axes
    if kind == "adaptive":
        size = tuple(rng.choice([p for p in range(1, n + 1) if n % p == 0]) for n in size)
        pool = [ADAPTIVE_POOLS[axes - 1](size)]
    features = channels * int(np.prod(size))
    chain = [nn.Linear(features, 4)]
    if rng.random() < 0.4:
        chain = [nn.Linear(features, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 4)]
    return [*pool, nn.Flatten(), *chain]


def begin(net: nn.Sequential, seed: int) -> nn.Sequential:
    """Draw parameters and running statistics, none of them special."""
    generator = np.random.default_rng(seed)
    state = {}
    for name, array in net.initialize(seed).state_dict().items():
        drawn = generator.uniform(0.5, 1.5, array.shape)
        state[name] = array if name.endswith("weight") or array.dtype.kind == "i" else drawn
    net.load_state_dict(state)
    return net


def enlarged(drawn: Drawn, seed: int) -> tuple[int, ...]:
    """The sizes of a larger image, not always by whole steps."""
    rng = random.Random(seed)  # noqa: S311 (draws tests)
    most = {1: 14, 2: 9, 3: 4}[len(drawn.shape) - 2]
    return tuple(n + rng.randint(0, most) for n in drawn.shape[2:])
