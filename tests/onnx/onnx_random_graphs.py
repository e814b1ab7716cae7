"""Networks drawn at random that are more than a row of layers: branches, sums, several arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv import functional as F
from allconv import nn
from allconv.nn.module import Module

Draw = np.random.Generator
CHANNELS = 4
STEPS = 7


class Squeeze(Module):
    """Squeeze-and-excitation."""

    def __init__(self, channels: int) -> None:
        self.first = nn.Conv2d(channels, 2, 1)
        self.second = nn.Conv2d(2, channels, 1)

    def forward(self, x: Any) -> Any:
        scale = self.second(F.relu(self.first(x.mean((2, 3), keepdims=True))))
        return x * F.hardsigmoid(scale)


def one(draw: Draw, *several: Any) -> Any:
    """One of several."""
    return several[int(draw.integers(len(several)))]


def layer(draw: Draw, before: int, after: int) -> Module:
    """A layer that keeps the size of an image, from some channels to others."""
    groups = one(draw, 1, 2)
    convolution = nn.Conv2d(
        before, after, 3, padding="same", groups=groups, dilation=one(draw, 1, 2),
        bias=one(draw, True, False), padding_mode=one(draw, "zeros", "replicate", "circular"),
    )  # fmt: skip
    return one(
        draw,
        convolution,
        nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU()),
        nn.ConvTranspose2d(before, after, 3, padding=1, groups=groups),
        nn.Sequential(nn.GroupNorm(2, before), nn.SiLU(), nn.Conv2d(before, after, 1)),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(before, after, 1), nn.PReLU(after)),
        nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(before, after, 1), nn.InstanceNorm2d(after)),
        nn.Sequential(nn.Conv2d(before, 4 * after, 1), nn.PixelShuffle(2), nn.AvgPool2d(2)),
        nn.Sequential(nn.Conv2d(before, after, 1), Squeeze(after)),
    )


class Graph(Module):
    """Steps that each take one or two of all values so far, all images of one size."""

    def __init__(self, seed: int) -> None:
        draw = np.random.default_rng([seed, 7])
        self.inputs = one(draw, 1, 1, 2)
        self.size = tuple(int(n) for n in draw.integers(4, 9, 2))
        self.shared = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        widths, steps = [CHANNELS] * self.inputs, []
        for number in range(STEPS):
            kind = one(draw, "layer", "layer", "add", "concat", "shared", "resize", "multiply")
            a, b = (int(draw.integers(max(0, len(widths) - 3), len(widths))) for _ in range(2))
            if kind in ("layer", "concat"):
                before = widths[a] + (widths[b] if kind == "concat" else 0)
                after = 2 * int(draw.integers(1, 4))
                setattr(self, f"step{number}", layer(draw, before, after))
                widths.append(after)
            else:
                widths.append(CHANNELS)
                setattr(self, f"step{number}", nn.Conv2d(widths[a], CHANNELS, 1))
                setattr(self, f"other{number}", nn.Conv2d(widths[b], CHANNELS, 1, bias=False))
            steps.append((kind, a, b, one(draw, "nearest", "bilinear", "bicubic")))
        self.steps = tuple(steps)
        self.outputs = one(draw, 1, 2, 3)
        self.head = nn.Linear(widths[-1], 3)

    def forward(self, *x: Any) -> Any:
        values = list(x)
        for number, (kind, a, b, mode) in enumerate(self.steps):
            step = getattr(self, f"step{number}")
            values.append(self._made(kind, step, number, values[a], values[b], mode))
        scores = self.head(values[-1].mean((2, 3)))
        rest = (values[-1], values[-2] * 0.5)[: self.outputs - 1]
        return (scores, *rest) if rest else scores

    def _made(self, kind: str, step: Any, number: int, a: Any, b: Any, mode: str) -> Any:
        if kind == "layer":
            return step(a)
        if kind == "concat":
            return step(F.concatenate([a, b], 1))
        other = getattr(self, f"other{number}")(b)
        if kind == "shared":
            return self.shared(step(a)) + self.shared(other)
        if kind == "multiply":
            return step(a) * F.sigmoid(other)
        if kind == "resize":
            aligned = None if mode == "nearest" else False
            large = F.interpolate(F.avg_pool2d(other, 2), self.size, None, mode, aligned)
            return step(a) + large
        return F.gelu(step(a) + other)
