"""resnet-18 and resnet-50: residual networks."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.nn.activations import ReLU
from allconv.nn.arrange import Flatten, Identity
from allconv.nn.correlate import Conv2d
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import Named, check_least, conv_norm
from allconv.nn.normalize import BatchNorm2d
from allconv.nn.pool import GlobalAvgPool2d, MaxPool2d
from allconv.nn.sequential import Sequential


def resnet18(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
    """ResNet-18, for images (N, channels, *size) of at least 32 x 32.

    Conv 7x7 stride 2, 64; MaxPool 3x3 stride 2
    2 blocks of two Conv 3x3 each with 64, 128, 256 and 512 channels
    global average; Linear classes

    Every convolution is padded by half its kernel and followed by BatchNorm and ReLU, the last of a
    block by the ReLU of its sum with the block's input. The first blocks but the very first halve
    the image. Parameters have the names of torchvision.

    He et al. 2015, arXiv:1512.03385, table 1.
    """
    check_least("resnet-18", size)
    return _network(channels, classes, BasicBlock, (2, 2, 2, 2))


def resnet50(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
    """ResNet-50, for images (N, channels, *size) of at least 32 x 32.

    As `resnet18`, with 3, 4, 6 and 3 blocks of Conv 1x1, 3x3 and 1x1, of which the last has four
    times as many channels. Where a block halves the image the 3x3 does so, as in torchvision; in
    the paper it is the first 1x1.

    He et al. 2015, arXiv:1512.03385, table 1.
    """
    check_least("resnet-50", size)
    return _network(channels, classes, Bottleneck, (3, 4, 6, 3))


class BasicBlock(Module):
    """Two convolutions 3x3. He et al. 2015, figure 5, left."""

    factor = 1

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        self.in_channels, self.width, self.stride = in_channels, width, stride
        self.conv1 = Conv2d(in_channels, width, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.downsample = _shortcut(in_channels, width, stride)

    def forward(self, x: Any) -> Any:
        """x (N, in_channels, H, W) -> (N, width, H/stride, W/stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(Module):
    """A convolution 3x3 between two 1x1. He et al. 2015, figure 5, right."""

    factor = 4

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        self.in_channels, self.width, self.stride = in_channels, width, stride
        out_channels = self.factor * width
        self.conv1 = Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.conv3 = Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = BatchNorm2d(out_channels)
        self.downsample = _shortcut(in_channels, out_channels, stride)

    def forward(self, x: Any) -> Any:
        """x (N, in_channels, H, W) -> (N, 4*width, H/stride, W/stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> Module:
    """The input itself, or a convolution 1x1 of it where the shape changes."""
    if stride == 1 and in_channels == out_channels:
        return Identity()
    return conv_norm(in_channels, out_channels, 1, stride)


def _network(
    channels: int, classes: int, block: type[BasicBlock | Bottleneck], depths: tuple[int, ...]
) -> Sequential:
    before, stages = 64, {}
    for number, depth in enumerate(depths):
        width, blocks = 64 * 2**number, []
        for place in range(depth):
            stride = 2 if number and not place else 1
            blocks.append(block(before, width, stride))
            before = block.factor * width
        stages[f"layer{number + 1}"] = Sequential(*blocks)
    return Named(
        conv1=Conv2d(channels, 64, 7, 2, 3, bias=False),
        bn1=BatchNorm2d(64),
        relu=ReLU(),
        maxpool=MaxPool2d(3, 2, 1),
        **stages,
        avgpool=GlobalAvgPool2d(),
        flatten=Flatten(),
        fc=Linear(before, classes),
    )
