"""Networks by name: functions (channels, size, classes) -> Sequential, a kind a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allconv.errors import ArgumentError
from allconv.functional.settings import per_axis
from allconv.intake.settings import short_repr, whole
from allconv.nn.networks.all_cnn import all_cnn
from allconv.nn.networks.convnet import convnet
from allconv.nn.networks.efficientnet import efficientnet_b0, efficientnet_lite0
from allconv.nn.networks.family import FAMILY
from allconv.nn.networks.local import local
from allconv.nn.networks.mobilenet_v1 import mobilenet_v1
from allconv.nn.networks.mobilenet_v2 import mobilenet_v2
from allconv.nn.networks.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from allconv.nn.networks.plain import plain
from allconv.nn.networks.resnet import resnet18, resnet50
from allconv.nn.sequential import Sequential

Maker = Callable[[int, tuple[int, int], int], Sequential]

SMALL: dict[str, Maker] = {
    "plain": plain,
    "local": local,
    "convnet": convnet,
    "all-cnn": all_cnn,
}
"""The small networks, which a laptop trains in minutes."""
MOBILE: dict[str, Maker] = {
    "mobilenet-v1": mobilenet_v1,
    "mobilenet-v2": mobilenet_v2,
    "mobilenet-v3-small": mobilenet_v3_small,
    "mobilenet-v3-large": mobilenet_v3_large,
    "efficientnet-lite0": efficientnet_lite0,
    "efficientnet-b0": efficientnet_b0,
}
"""Networks of depthwise convolutions, for photographs on small machines."""
RESIDUAL: dict[str, Maker] = {
    "resnet-18": resnet18,
    "resnet-50": resnet50,
}
"""Residual networks, for photographs."""
_PHOTOGRAPHS = {**MOBILE, **RESIDUAL}
_NETWORKS = {**SMALL, **FAMILY, **_PHOTOGRAPHS}


def names() -> tuple[str, ...]:
    """The names that `build` takes.

    >>> names()[:5]
    ('plain', 'local', 'convnet', 'all-cnn', 'base-a')
    """
    return tuple(_NETWORKS)


def usual_images(name: str) -> tuple[int, int, int]:
    """(channels, height, width) of the images that the network of a name is drawn for: photographs
    in colour, or else small grey ones.

    >>> usual_images("mobilenet-v2")
    (3, 224, 224)
    """
    return (3, 224, 224) if name in _PHOTOGRAPHS else (1, 28, 28)


def build(name: str, channels: int, size: int | Sequence[int], classes: int) -> Sequential:
    """The network of a name, for images (N, channels, *size) and so many classes."""
    if not isinstance(name, str) or name not in _NETWORKS:
        raise ArgumentError(
            f"there is no network {short_repr(name)}; there are {', '.join(_NETWORKS)}"
        )
    channels = whole("channels", channels, least=1)
    classes = whole("classes", classes, least=1)
    height, width = per_axis("size", size, 2)
    return _NETWORKS[name](channels, (height, width), classes)


__all__ = [
    "all_cnn",
    "build",
    "convnet",
    "efficientnet_b0",
    "efficientnet_lite0",
    "local",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "names",
    "plain",
    "resnet18",
    "resnet50",
    "usual_images",
]
