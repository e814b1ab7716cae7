"""How networks from elsewhere want images prepared, by the names that are used for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from allconv.errors import ArgumentError
from allconv.intake.settings import is_sequence, number, short_repr

Numbers: TypeAlias = tuple[float, ...]
Preset: TypeAlias = str | tuple[Sequence[float], Sequence[float]]

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE = tuple(n / 255 for n in (123.68, 116.779, 103.939))


@dataclass(frozen=True)
class ImageScaling:
    """y = (x / 255 - mean) / std for images in RGB; `channels` says in which order they are given.

    mean, std: one number a channel, in the order of RGB.
    """

    mean: Numbers
    std: Numbers
    channels: str = "rgb"


PRESETS: dict[str, ImageScaling] = {
    "imagenet": ImageScaling(*_IMAGENET),
    "imagenet-bgr": ImageScaling(_CAFFE, (1 / 255,) * 3, "bgr"),
    "unit": ImageScaling((0.0,), (1.0,)),
    "tf": ImageScaling((0.5,), (0.5,)),
    "bytes": ImageScaling((0.0,), (1 / 255,)),
}
"""imagenet: as torchvision's networks; imagenet-bgr: as Caffe's, and Keras' ResNet and VGG: BGR
from 0 to 255 less a mean; unit: 0 to 1; tf: -1 to 1, as Keras' MobileNets; bytes: 0 to 255."""


def find_preset(preset: Preset, channels: int) -> ImageScaling:
    """A preset by name, or (mean, std), for images of so many channels.

    >>> find_preset("tf", 3)
    ImageScaling(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), channels='rgb')
    """
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ArgumentError(
                f"there is no preset {short_repr(preset)}; there are {', '.join(PRESETS)}"
            )
        found = PRESETS[preset]
        if len(found.mean) not in (1, channels):
            raise ArgumentError(
                f"the preset {preset} is for images of 3 channels; the network takes {channels}"
            )
        times = channels // len(found.mean)
        return ImageScaling(found.mean * times, found.std * times, found.channels)
    if (
        not isinstance(preset, tuple | list)
        or len(preset) != 2
        or not all(map(is_sequence, preset))
    ):
        raise ArgumentError(
            f"preset is {short_repr(preset)}; one of {', '.join(PRESETS)}, or (mean, std) "
            "is expected"
        )
    mean, std = (tuple(number("preset", n) for n in each) for each in preset)
    if len(mean) != channels or len(std) != channels or min(std) <= 0:
        raise ArgumentError(
            f"the network takes {channels} channels; mean and std need one number each, and std "
            "numbers above 0"
        )
    return ImageScaling(mean, std)
