"""mobilenet-v2: blocks that are wide inside, with linear bottlenecks between them."""

from __future__ import annotations

from allconv.nn.activations import ReLU6
from allconv.nn.correlate import Conv2d
from allconv.nn.dropout import Dropout
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import Named, Residual, check_least, classifier, conv_norm
from allconv.nn.normalize import BatchNorm2d
from allconv.nn.sequential import Sequential

STAGES = (  # factor of expansion, channels, blocks, stride of the first block
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
    """MobileNetV2 of width 1, for images (N, channels, *size) of at least 32 x 32.

    Conv 3x3 stride 2, 32
    the 17 blocks of `STAGES`: Conv 1x1, depthwise Conv 3x3, Conv 1x1 without activation
    Conv 1x1, 1280
    global average; Dropout 0.2, Linear classes

    Every convolution is padded by half its kernel and followed by BatchNorm and ReLU6; a block
    that keeps its shape is added to its input. Parameters have the names of torchvision.

    Sandler et al. 2018, arXiv:1801.04381, tables 1 and 2.
    """
    check_least("mobilenet-v2", size)
    layers: list[Module] = [conv_norm(channels, 32, 3, 2, activation=ReLU6)]
    before = 32
    for factor, width, blocks, first in STAGES:
        for number in range(blocks):
            layers.append(_block(before, factor, width, 1 if number else first))
            before = width
    layers.append(conv_norm(before, 1280, activation=ReLU6))
    return classifier(layers, Sequential(Dropout(0.2), Linear(1280, classes)))


def _block(in_channels: int, factor: int, out_channels: int, stride: int) -> Named:
    inside = in_channels * factor
    conv = Sequential(
        *([conv_norm(in_channels, inside, activation=ReLU6)] if factor > 1 else []),
        conv_norm(inside, inside, 3, stride, groups=inside, activation=ReLU6),
        Conv2d(inside, out_channels, 1, bias=False),
        BatchNorm2d(out_channels),
    )
    kind = Residual if stride == 1 and in_channels == out_channels else Named
    return kind(conv=conv)
