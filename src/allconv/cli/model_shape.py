"""What MODEL names, and the shape of what a network takes that is from a file: from the file, and
from what the user says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from allconv.cli.failures import Misuse
from allconv.errors import UnsupportedError
from allconv.text import counted

if TYPE_CHECKING:
    from allconv.nn import Module
    from allconv.onnx import OnnxModule

COLOURS = (1, 3)  # channels of images, grey or colour
DEFAULT_CLASSES = 10  # of a network by name


def is_by_name(model: str, classes: int | None) -> bool:
    """Whether MODEL is the name of a network; else it is a file that is there."""
    from allconv.nn import networks

    names = networks.names()
    if model in names:
        return True
    if not os.path.lexists(model):
        known = ", ".join(names)
        raise Misuse(f"MODEL is {model}; an .onnx file, or one of {known} is expected")
    if classes is not None:
        raise Misuse("--classes is for a network by name; a file has its own")
    return False


def named_network(
    model: str, size: tuple[int, int] | None, channels: int | None, classes: int | None
) -> tuple[Module, tuple[int, int, int, int]]:
    """A network by its name, with random weights, and the shape of one image for it."""
    from allconv.nn import networks

    usual, *sides = networks.usual_images(model)
    (height, width), channels = size or sides, channels or usual
    net = networks.build(model, channels, (height, width), classes or DEFAULT_CLASSES)
    return net, (1, channels, height, width)


def image_shape(
    net: OnnxModule, name: str, size: tuple[int, int] | None, channels: int | None = None
) -> tuple[int, ...]:
    """The shape of the input, for a batch of 1; what the file leaves open is asked for."""
    from allconv.data import Preprocess

    check_input(net, name)
    inputs = net.model.inputs
    shape = inputs[0].shape
    if shape is not None and None not in shape[1:]:
        if size is not None and size not in (shape[1:3], shape[2:]):
            raise Misuse(f"{name} takes {shown_shape(shape)} and no other; leave --size out")
        return tuple(n or 1 for n in shape)
    if shape is not None and len(shape) != 4:
        raise UnsupportedError(
            f"{name} takes {shown_shape(shape)}; images (N, C, H, W) are expected"
        )
    is_bytes = net.preprocess is not None and inputs[0].dtype == "uint8"
    order = "HWC" if is_bytes or _channels_last(shape) else "CHW"
    found: dict[str, int | None] = dict(zip(order, shape[1:] if shape else [None] * 3, strict=True))
    if net.preprocess is not None:
        told = Preprocess.from_json(net.preprocess)
        known = {"C": told.channels, "H": told.height, "W": told.width}
        found = {axis: known[axis] if n is None else n for axis, n in found.items()}
    height, width = size or (None, None)
    for axis, asked in (("C", channels), ("H", height), ("W", width)):
        found[axis] = found[axis] if asked is None else asked
    if found["C"] is None:
        raise Misuse(f"{name} leaves open how many channels it takes; give --channels")
    if found["H"] is None or found["W"] is None:
        raise Misuse(f"{name} takes images of any size; give --size")
    return (1, *(n for n in found.values() if n is not None))


def _channels_last(shape: tuple[int | None, ...] | None) -> bool:
    """Whether only the last axis of a declared shape can be the colours of images."""
    return shape is not None and shape[1] not in COLOURS and shape[3] in COLOURS


def check_input(net: OnnxModule, name: str) -> None:
    """Refuse a network that takes none or several arrays, or numbers that say what to compute."""
    inputs = net.model.inputs
    if len(inputs) != 1:
        count = f"{len(inputs)} arrays" if inputs else "no array"
        raise UnsupportedError(f"{name} takes {count}; only networks with one input are supported")
    if inputs[0].static:
        raise UnsupportedError(
            f"{name} takes {inputs[0].dtype} numbers that say what is computed; a network of "
            "images is expected"
        )


def check_channels(net: OnnxModule, name: str, channels: int | None) -> None:
    """Refuse a number of channels other than the one that the file says."""
    from allconv.data import Preprocess

    told, takes = net.preprocess, net.model.inputs[:1]
    shape = takes[0].shape if takes else None
    known = Preprocess.from_json(told).channels if told is not None else None
    if known is None and shape is not None and len(shape) > 1:
        known = shape[1]
    if channels is not None and known not in (None, channels):
        takes_only = f"{name} takes {counted(known, 'channel')} and no other number"
        raise Misuse(f"{takes_only}; leave --channels out")


def shown_shape(shape: Sequence[int | None]) -> str:
    """A declared shape as it is told: "(any, 3, 224, 224)"."""
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
