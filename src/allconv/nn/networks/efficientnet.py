"""efficientnet-b0, and efficientnet-lite0: without what slow processors and integers do badly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allconv import functional
from allconv.nn.activations import ReLU6, SiLU
from allconv.nn.dropout import Dropout
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import (
    SqueezeExcitation,
    check_least,
    classifier,
    conv_norm,
    inverted_residual,
)
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


def efficientnet_lite0(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
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
    return _network(channels, classes, _lite)


def efficientnet_b0(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
    """EfficientNet-B0, for images (N, channels, *size) of at least 32 x 32.

    Conv 3x3 stride 2, 32
    the 16 blocks of `STAGES`: Conv 1x1, depthwise convolution, squeeze-and-excitation to a quarter
    of the block's input channels, Conv 1x1 without activation
    Conv 1x1, 1280
    global average; Dropout 0.2, Linear classes

    The activation is SiLU. Every convolution is padded by half its kernel and followed by
    BatchNorm, with torchvision's eps of 0.00001 and momentum of 0.1; parameters have torchvision's
    names. No blocks are dropped in training.

    Tan and Le 2019, arXiv:1905.11946, table 1.
    """
    check_least("efficientnet-b0", size)
    return _network(channels, classes, _b0)


class SmoothExcitation(SqueezeExcitation):
    """Squeeze-and-excitation with SiLU, and the sigmoid as the gate."""

    activation_kind = SiLU

    def gate(self, scale: Any) -> Any:
        """See `SqueezeExcitation.gate`."""
        return functional.sigmoid(scale)


def _lite(before: int, factor: int, width: int, kernel: int, stride: int) -> Module:
    return inverted_residual(before, factor * before, width, kernel, stride, activation=ReLU6)


def _b0(before: int, factor: int, width: int, kernel: int, stride: int) -> Module:
    return inverted_residual(
        before, factor * before, width, kernel, stride,
        squeezed=before // 4, excitation=SmoothExcitation, activation=SiLU,
        eps=1e-5, momentum=0.1,
    )  # fmt: skip


def _network(
    channels: int, classes: int, block: Callable[[int, int, int, int, int], Module]
) -> Sequential:
    settings: dict[str, Any] = {"activation": ReLU6, "eps": 0.001, "momentum": 0.01}
    if block is _b0:
        settings = {"activation": SiLU}
    before = 32
    stages: list[Module] = [conv_norm(channels, before, 3, 2, **settings)]
    for factor, kernel, first, width, blocks in STAGES:
        stage: list[Module] = []
        for number in range(blocks):
            stage.append(block(before, factor, width, kernel, 1 if number else first))
            before = width
        stages.append(Sequential(*stage))
    stages.append(conv_norm(before, 1280, **settings))
    return classifier(stages, Sequential(Dropout(0.2), Linear(1280, classes)))
