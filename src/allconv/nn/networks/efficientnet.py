"""efficientnet-lite0: EfficientNet-B0 without what slow processors and integers do badly."""

from __future__ import annotations

from allconv.nn.arrange import Flatten
from allconv.nn.dropout import Dropout
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import Named, check_least, conv_norm, inverted_residual
from allconv.nn.pointwise import ReLU6
from allconv.nn.pool import GlobalAvgPool2d
from allconv.nn.sequential import Sequential

STAGES = (  # factor of expansion, kernel, stride of the first block, channels, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


def efficientnet_lite0(channels: int, size: tuple[int, int], classes: int) -> Sequential:
    """EfficientNet-Lite0, for images (N, channels, *size) of at least 32 x 32.

    Conv 3x3 stride 2, 32
    the 16 blocks of `STAGES`: Conv 1x1, depthwise convolution, Conv 1x1 without activation
    Conv 1x1, 1280
    global average; Dropout 0.2, Linear classes

    The widths and depths are those of EfficientNet-B0; there is no squeeze-and-excitation, and
    ReLU6 in place of swish. Every convolution is padded by half its kernel (TensorFlow's own pad
    strided ones on one side only) and followed by BatchNorm. No blocks are dropped in training.
    Parameters have the names of torchvision's EfficientNet.

    Tan and Le 2019, arXiv:1905.11946, table 1; github.com/tensorflow/tpu,
    models/official/efficientnet/lite.
    """
    check_least("efficientnet-lite0", size)
    before = 32
    stages: list[Module] = [_conv(channels, before, 3, 2)]
    for factor, kernel, first, width, blocks in STAGES:
        stage: list[Module] = []
        for number in range(blocks):
            stride = 1 if number else first
            stage.append(
                inverted_residual(before, factor * before, width, kernel, stride, activation=ReLU6)
            )
            before = width
        stages.append(Sequential(*stage))
    return Named(
        features=Sequential(*stages, _conv(before, 1280)),
        avgpool=GlobalAvgPool2d(),
        flatten=Flatten(),
        classifier=Sequential(Dropout(0.2), Linear(1280, classes)),
    )


def _conv(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> Sequential:
    return conv_norm(
        in_channels, out_channels, kernel, stride, activation=ReLU6, eps=0.001, momentum=0.01
    )
