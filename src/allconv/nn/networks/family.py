"""The twelve networks of "Striving for simplicity: the all convolutional net".

Before each of two changes of size stand, with 96 channels the first time and 192 the second:

                    a                      b                      c
    base-           5x5, pool              5x5, 1x1, pool         3x3, 3x3, pool
    strided-cnn-    5x5/2                  5x5, 1x1/2             3x3, 3x3/2
    convpool-cnn-   5x5, 3x3, pool         5x5, 1x1, 3x3, pool    3x3, 3x3, 3x3, pool
    all-cnn-        5x5, 3x3/2             5x5, 1x1, 3x3/2        3x3, 3x3, 3x3/2

and then, in all of them, 3x3 192 (not padded), 1x1 192, 1x1 classes, global average. Sizes are
those of convolutions, each padded by half its kernel and followed by ReLU; /2 is stride 2; pool is
max pooling 3x3 with stride 2. Dropout is 0.5 after each change of size. An image of 32 x 32 becomes
16 x 16, 8 x 8, 6 x 6 and is averaged. Smaller images are padded to 32 by the first convolution.

Two things are not the paper's. The last convolution, which gives the scores, has no ReLU: with it
scores that are 0 for every image have no gradient, and training ended there. And the image itself
has no dropout (of 0.2): where images have a plain ground, networks come to need the noise on it.
All-CNN-C on Fashion-MNIST was right on 89 % of images with the noise, and on 36 % without.

Springenberg, Dosovitskiy, Brox and Riedmiller 2015, arXiv:1412.6806, tables 1 and 2, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from allconv.nn.activations import ReLU
from allconv.nn.arrange import Flatten
from allconv.nn.correlate import Conv2d
from allconv.nn.dropout import Dropout
from allconv.nn.module import Module
from allconv.nn.pool import GlobalAvgPool2d, MaxPool2d
from allconv.nn.sequential import Sequential

SIDE = 32
POOL = 3  # the window of pooling, of what replaces it and of what stands before it
KERNELS = {"a": (5,), "b": (5, 1), "c": (3, 3)}
KINDS = ("base", "strided-cnn", "convpool-cnn", "all-cnn")


def family(kind: str, base: str, channels: int, size: tuple[int, int], classes: int) -> Sequential:
    """The network of a kind and a base model, as the table above has it."""
    layers: list[Module] = []
    extra = [_missing(n) for n in size]
    for width in (96, 192):
        for kernel, stride in _convolutions(kind, base):
            half = kernel // 2
            padding = tuple((half + low, half + high) for low, high in extra)
            layers += [Conv2d(channels, width, kernel, stride, padding), ReLU()]
            channels, extra = width, [(0, 0), (0, 0)]
        if kind in ("base", "convpool-cnn"):
            layers.append(MaxPool2d(POOL, 2, ceil_mode=True))
        layers.append(Dropout(0.5))
    layers += [Conv2d(channels, 192, 3), ReLU(), Conv2d(192, 192, 1), ReLU()]
    return Sequential(*layers, Conv2d(192, classes, 1), GlobalAvgPool2d(), Flatten())


def _convolutions(kind: str, base: str) -> list[tuple[int, int]]:
    """Kernel and stride of the convolutions before a change of size."""
    kernels = [*KERNELS[base], *([POOL] if kind in ("convpool-cnn", "all-cnn") else [])]
    last = 2 if kind in ("strided-cnn", "all-cnn") else 1
    return [*((kernel, 1) for kernel in kernels[:-1]), (kernels[-1], last)]


def _missing(size: int) -> tuple[int, int]:
    """The cells that a smaller image lacks on either side."""
    lacking = max(SIDE - size, 0)
    return lacking // 2, lacking - lacking // 2


FAMILY: dict[str, Callable[[int, tuple[int, int], int], Sequential]] = {
    f"{kind}-{base}": partial(family, kind, base) for base in KERNELS for kind in KINDS
}
