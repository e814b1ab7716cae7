"""mobilenet-v3-small and mobilenet-v3-large: found by search, with squeeze-and-excitation."""

from __future__ import annotations

from allconv.nn.activations import Hardswish, ReLU
from allconv.nn.dropout import Dropout
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import check_least, classifier, conv_norm, inverted_residual
from allconv.nn.sequential import Sequential

# Of each block: kernel, channels inside, channels, squeeze-and-excitation, activation, stride.
Block = tuple[int, int, int, bool, type[Module], int]
LARGE: tuple[Block, ...] = (
    (3, 16, 16, False, ReLU, 1),
    (3, 64, 24, False, ReLU, 2),
    (3, 72, 24, False, ReLU, 1),
    (5, 72, 40, True, ReLU, 2),
    (5, 120, 40, True, ReLU, 1),
    (5, 120, 40, True, ReLU, 1),
    (3, 240, 80, False, Hardswish, 2),
    (3, 200, 80, False, Hardswish, 1),
    (3, 184, 80, False, Hardswish, 1),
    (3, 184, 80, False, Hardswish, 1),
    (3, 480, 112, True, Hardswish, 1),
    (3, 672, 112, True, Hardswish, 1),
    (5, 672, 160, True, Hardswish, 2),
    (5, 960, 160, True, Hardswish, 1),
    (5, 960, 160, True, Hardswish, 1),
)
SMALL: tuple[Block, ...] = (
    (3, 16, 16, True, ReLU, 2),
    (3, 72, 24, False, ReLU, 2),
    (3, 88, 24, False, ReLU, 1),
    (5, 96, 40, True, Hardswish, 2),
    (5, 240, 40, True, Hardswish, 1),
    (5, 240, 40, True, Hardswish, 1),
    (5, 120, 48, True, Hardswish, 1),
    (5, 144, 48, True, Hardswish, 1),
    (5, 288, 96, True, Hardswish, 2),
    (5, 576, 96, True, Hardswish, 1),
    (5, 576, 96, True, Hardswish, 1),
)


def mobilenet_v3_large(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
    """MobileNetV3-Large, for images (N, channels, *size) of at least 32 x 32.

    Conv 3x3 stride 2, 16
    the 15 blocks of `LARGE`: Conv 1x1, depthwise convolution, squeeze-and-excitation in some,
    Conv 1x1 without activation
    Conv 1x1, 960
    global average; Linear 1280, Hardswish, Dropout 0.2, Linear classes

    Every convolution is padded by half its kernel and followed by BatchNorm and, outside of the
    blocks, Hardswish. Parameters have the names of torchvision.

    Howard et al. 2019, arXiv:1905.02244, table 1.
    """
    check_least("mobilenet-v3-large", size)
    return _network(channels, LARGE, 1280, classes)


def mobilenet_v3_small(
    channels: int = 3, size: tuple[int, int] = (224, 224), classes: int = 1000
) -> Sequential:
    """MobileNetV3-Small, for images (N, channels, *size) of at least 32 x 32.

    As `mobilenet_v3_large`, with the 11 blocks of `SMALL`, then Conv 1x1, 576 and Linear 1024.

    Howard et al. 2019, arXiv:1905.02244, table 2.
    """
    check_least("mobilenet-v3-small", size)
    return _network(channels, SMALL, 1024, classes)


def _network(channels: int, blocks: tuple[Block, ...], hidden: int, classes: int) -> Sequential:
    before = 16
    layers: list[Module] = [_conv(channels, before, 3, 2)]
    for kernel, inside, width, squeeze, activation, stride in blocks:
        squeezed = _eighths(inside / 4) if squeeze else 0
        layers.append(
            inverted_residual(
                before, inside, width, kernel, stride, squeezed=squeezed, activation=activation
            )
        )
        before = width
    last = 6 * before
    layers.append(_conv(before, last))
    head = Sequential(Linear(last, hidden), Hardswish(), Dropout(0.2), Linear(hidden, classes))
    return classifier(layers, head)


def _conv(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> Sequential:
    return conv_norm(
        in_channels, out_channels, kernel, stride, activation=Hardswish, eps=0.001, momentum=0.01
    )


def _eighths(channels: float) -> int:
    """The nearest multiple of 8, or the next one where that is less by more than a tenth."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near
