"""mobilenet-v1: depthwise and 1x1 convolutions in turn."""

from __future__ import annotations

from allconv.nn.activations import ReLU
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import check_least, classifier, conv_norm
from allconv.nn.sequential import Sequential

WIDTHS = (  # channels of the 1x1 convolution, stride of the depthwise one before it
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


def mobilenet_v1(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
    """MobileNet of width 1, for images (N, channels, *size) of at least 32 x 32.

    Conv 3x3 stride 2, 32
    [depthwise Conv 3x3, Conv 1x1] x 13, with the channels and strides of `WIDTHS`
    global average; Linear classes

    Every convolution is padded by half its kernel and followed by BatchNorm and ReLU. The last
    depthwise convolution has stride 1, as its sizes in the table want it, not the printed 2.

    Howard et al. 2017, arXiv:1704.04861, table 1 and figure 3.
    """
    check_least("mobilenet-v1", size)
    layers: list[Module] = [conv_norm(channels, 32, 3, 2, activation=ReLU)]
    before = 32
    for width, stride in WIDTHS:
        depthwise = conv_norm(before, before, 3, stride, groups=before, activation=ReLU)
        layers.append(Sequential(depthwise, conv_norm(before, width, activation=ReLU)))
        before = width
    return classifier(layers, Linear(before, classes))
