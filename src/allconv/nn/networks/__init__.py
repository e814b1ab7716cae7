"""Networks by name: functions (channels, size, classes) -> Sequential, one a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allconv.errors import ArgumentError
from allconv.functional.settings import per_axis
from allconv.nn.networks.all_cnn import all_cnn
from allconv.nn.networks.convnet import convnet
from allconv.nn.networks.family import FAMILY
from allconv.nn.networks.local import local
from allconv.nn.networks.plain import plain
from allconv.nn.sequential import Sequential
from allconv.settings import told, whole

SMALL: dict[str, Callable[[int, tuple[int, int], int], Sequential]] = {
    "plain": plain,
    "local": local,
    "convnet": convnet,
    "all-cnn": all_cnn,
}
"""The small networks, which a laptop trains in minutes."""
_NETWORKS = {**SMALL, **FAMILY}


def names() -> tuple[str, ...]:
    """The names that `build` takes.

    >>> names()[:5]
    ('plain', 'local', 'convnet', 'all-cnn', 'base-a')
    """
    return tuple(_NETWORKS)


def build(name: str, channels: int, size: int | Sequence[int], classes: int) -> Sequential:
    """The network of a name, for images (N, channels, *size) and so many classes."""
    if not isinstance(name, str) or name not in _NETWORKS:
        raise ArgumentError(f"there is no network {told(name)}; there are {', '.join(_NETWORKS)}")
    channels = whole("channels", channels, least=1)
    classes = whole("classes", classes, least=1)
    height, width = per_axis("size", size, 2)
    return _NETWORKS[name](channels, (height, width), classes)


__all__ = ["all_cnn", "build", "convnet", "local", "names", "plain"]
