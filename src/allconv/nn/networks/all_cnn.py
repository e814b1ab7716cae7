"""all-cnn: the convolutional network without pooling and without a linear layer."""

from __future__ import annotations

from allconv.nn.arrange import Flatten
from allconv.nn.correlate import Conv2d
from allconv.nn.dropout import Dropout
from allconv.nn.networks.convnet import block
from allconv.nn.pool import GlobalAvgPool2d
from allconv.nn.sequential import Sequential


def all_cnn(channels: int, size: tuple[int, int], classes: int) -> Sequential:
    """A network of convolutions only, for images (N, channels, *size) of any size.

    [Conv 3x3 padding 1, 32, BatchNorm, ReLU] x 2
    Conv 3x3 stride 2 padding 1, 32, BatchNorm, ReLU; Dropout 0.25
    [Conv 3x3 padding 1, 64, BatchNorm, ReLU] x 2
    Conv 3x3 stride 2 padding 1, 64, BatchNorm, ReLU; Dropout 0.25
    Conv 1x1, classes; global average

    Springenberg et al. 2015, arXiv:1412.6806.
    """
    return Sequential(
        *block(channels, 32),
        *block(32, 32),
        *block(32, 32, stride=2),
        Dropout(0.25),
        *block(32, 64),
        *block(64, 64),
        *block(64, 64, stride=2),
        Dropout(0.25),
        Conv2d(64, classes, 1),
        GlobalAvgPool2d(),
        Flatten(),
    )
