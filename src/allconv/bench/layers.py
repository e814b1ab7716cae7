"""Layers to measure: tables of plain data, and some drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from allconv.bench.workload import CHANNELS_LAST, GRADIENT, NCHW, NETWORK, Workload
from allconv.window import Axis, reach_of


@dataclass(frozen=True)
class BenchLayer:
    """A convolution with bias on images of a size; one number an axis, or one for all axes."""

    images: int
    in_channels: int
    size: tuple[int, ...]
    out_channels: int
    kernel: tuple[int, ...]
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    padding: int | None = None

    @classmethod
    def of(
        cls,
        images: int,
        in_channels: int,
        size: int | tuple[int, ...],
        out_channels: int,
        kernel: int | tuple[int, ...],
        **settings: int,
    ) -> BenchLayer:
        """A layer from numbers; one size, or one kernel, stands for two axes."""
        sizes = (size, size) if isinstance(size, int) else size
        kernels = (kernel,) * len(sizes) if isinstance(kernel, int) else kernel
        return cls(images, in_channels, sizes, out_channels, kernels, **settings)

    @property
    def axes(self) -> int:
        """1, 2 or 3."""
        return len(self.size)

    @property
    def paddings(self) -> tuple[int, ...]:
        """Cells on either side of each axis: half the window unless told otherwise."""
        if self.padding is not None:
            return (self.padding,) * self.axes
        return tuple((reach_of(k, self.dilation) - 1) // 2 for k in self.kernel)

    @property
    def x_shape(self) -> tuple[int, ...]:
        """The shape of the input."""
        return (self.images, self.in_channels, *self.size)

    @property
    def w_shape(self) -> tuple[int, ...]:
        """The shape of the weights."""
        return (self.out_channels, self.in_channels // self.groups, *self.kernel)

    @property
    def y_shape(self) -> tuple[int, ...]:
        """The shape of the output."""
        rows = zip(self.size, self.kernel, self.paddings, strict=True)
        cells = (Axis(n, k, 1, self.stride, self.dilation).fitting(p, p) for n, k, p in rows)
        return (self.images, self.out_channels, *cells)

    @property
    def multiply_adds(self) -> int:
        """Of the forward pass, those with padding among them."""
        return prod(self.y_shape) * prod(self.w_shape[1:])

    @property
    def name(self) -> str:
        """A name that tells all of it, as in "1 x 64 x 56 x 56, 3x3 64"."""
        parts = [" x ".join(map(str, self.x_shape))]
        parts.append(f"{'x'.join(map(str, self.kernel))} {self.out_channels}")
        settings = (("stride", self.stride, 1), ("dilation", self.dilation, 1))
        parts += [f"{what} {n}" for what, n, usual in settings if n != usual]
        if self.groups > 1:
            depthwise = self.groups == self.in_channels == self.out_channels
            parts.append("depthwise" if depthwise else f"{self.groups} groups")
        return ", ".join(parts)


conv = BenchLayer.of
MAIN, RANDOM_GROUP = "3x3, stride 1", "drawn at random"
# images, channels in, size, channels out, kernel
THREE_BY_THREE = [
    conv(1, 64, 224, 64, 3),
    conv(1, 128, 112, 128, 3),
    conv(1, 64, 56, 64, 3),
    conv(1, 256, 56, 256, 3),
    conv(1, 128, 28, 128, 3),
    conv(1, 512, 28, 512, 3),
    conv(1, 256, 14, 256, 3),
    conv(1, 512, 14, 512, 3),
    conv(1, 512, 7, 512, 3),
    conv(16, 64, 56, 64, 3),
    conv(16, 256, 14, 256, 3),
    conv(32, 96, 32, 96, 3),
]
OTHERS: dict[str, list[BenchLayer]] = {
    "lecture": [conv(1, 1, 16, 8, 5, padding=0)],
    "1x1": [
        conv(1, 64, 56, 256, 1),
        conv(1, 512, 28, 128, 1),
        conv(1, 1024, 14, 256, 1),
        conv(1, 2048, 7, 512, 1),
    ],
    "depthwise": [
        conv(1, 32, 112, 32, 3, groups=32),
        conv(1, 144, 56, 144, 3, stride=2, groups=144),
        conv(1, 512, 14, 512, 3, groups=512),
        conv(1, 240, 28, 240, 5, groups=240),
    ],
    "first layers": [
        conv(1, 3, 224, 64, 7, stride=2),
        conv(1, 3, 224, 64, 3),
        conv(1, 3, 227, 96, 11, stride=4, padding=0),
        conv(64, 1, 28, 32, 3),
    ],
    "strided": [
        conv(1, 128, 56, 128, 3, stride=2),
        conv(1, 256, 56, 512, 1, stride=2),
        conv(32, 96, 32, 96, 3, stride=2),
    ],
    "5x5": [conv(1, 96, 28, 96, 5), conv(1, 32, 28, 96, 5)],
    "dilated": [conv(1, 256, 28, 256, 3, dilation=2), conv(1, 64, 65, 64, 3, dilation=4)],
    "groups": [conv(1, 112, 28, 112, 1, groups=4), conv(1, 256, 28, 256, 3, groups=32)],
    "1-D": [conv(8, 64, (1000,), 64, 9), conv(1, 1, (16000,), 64, 80, stride=4)],
    "3-D": [conv(1, 32, (16, 56, 56), 32, 3), conv(1, 3, (16, 112, 112), 64, 3)],
    "odd channels": [conv(1, 3, 112, 17, 3), conv(1, 17, 56, 100, 3), conv(1, 100, 28, 100, 3)],
}
GRADIENTS = [
    conv(16, 64, 56, 64, 3),
    conv(16, 128, 28, 128, 3),
    conv(16, 256, 14, 256, 3),
    conv(1, 256, 56, 256, 3),
    conv(32, 96, 32, 96, 3),
]
RANDOM, SEED = 8, 2026


def random_layers(count: int = RANDOM, seed: int = SEED) -> list[BenchLayer]:
    """Layers of geometries that nobody chose: the same ones for the same seed."""
    draw = np.random.default_rng(seed)
    layers: list[BenchLayer] = []
    while len(layers) < count:
        groups = int(draw.choice([1, 1, 1, 2, 4]))
        c, o = (groups * int(draw.integers(1, 129)) for _ in range(2))
        size = tuple(int(n) for n in draw.integers(5, 81, 2))
        kernel = tuple(int(k) for k in draw.integers(1, 8, 2))
        images, stride, dilation = (int(n) for n in draw.integers(1, (5, 4, 3)))
        layer = BenchLayer(images, c, size, o, kernel, stride, dilation, groups)
        if min(layer.y_shape) > 0:
            layers.append(layer)
    return layers


def layer_workloads() -> list[Workload]:
    """All of them: forward in both layouts, then both gradients of some."""
    tables = {MAIN: THREE_BY_THREE, **OTHERS, RANDOM_GROUP: random_layers()}
    made = []
    for group, layers in tables.items():
        made += [each for layer in layers for each in _laid_out(layer, group, NETWORK)]
    for of in ("input", "weight"):
        group = f"gradient of the {of}, 3x3"
        made += [each for layer in GRADIENTS for each in _laid_out(layer, group, GRADIENT, of=of)]
    return made


def _laid_out(layer: BenchLayer, group: str, kind: str, **source: str) -> list[Workload]:
    """A layer in both layouts; in one where its images have one axis."""
    return [
        Workload(layer.name, group, kind, {"layer": layer, **source}, layout, layer.multiply_adds)
        for layout in ((NCHW, CHANNELS_LAST) if layer.axes > 1 else (NCHW,))
    ]
