"""`allconv inspect`: what a network is made of, a layer a row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from allconv.cli import settings
from allconv.cli.failures import Misuse
from allconv.cli.group import command as make
from allconv.cli.output import say, screen, table
from allconv.errors import ShapeError

if TYPE_CHECKING:
    from allconv.nn import Module

DEFAULT_CLASSES = 10


@make(
    "inspect",
    "allconv inspect convnet",
    "allconv inspect all-cnn --size 96 --channels 3 --classes 5",
    "allconv inspect run/model.onnx",
)
@click.argument("model", type=settings.PathSetting("an .onnx file or the name of a network"))
@click.option("--size", type=settings.Size(), metavar="SIDE|HEIGHTxWIDTH", help="Of the images.")
@click.option("--channels", type=settings.COUNT, help="1 grey, 3 colour.")
@click.option("--classes", type=settings.COUNT, help="Of a network by name.")
def command(
    model: str, size: tuple[int, int] | None, channels: int | None, classes: int | None
) -> None:
    """Show the layers of a network.

    MODEL is an .onnx file or the name of a network. A row a layer: the kernel that runs it, its
    output for one image, its parameters, multiply-adds, the memory of the output, how many
    pixels of the image a cell sees, and by how many pixels the next cell lies apart. A network
    by name is shown for 10 classes and grey images of 28 x 28, or, where it is for photographs,
    colour images of 224 x 224, unless told otherwise.
    """
    from allconv.cli.layers import HEAD, describe

    with screen(err=True) as shown:
        net, shape = _network(model, size, channels, classes)
        try:
            rows, totals = describe(net, shape)
        except ShapeError as error:
            if size is None and channels is None:
                raise
            raise Misuse(f"{model} does not take {shape}: {error}; give another --size") from None
        shown.hide()
    for line in [*table([HEAD, *rows], left=2), "", *totals]:
        say(line)


def _network(
    model: str, size: tuple[int, int] | None, channels: int | None, classes: int | None
) -> tuple[Module, tuple[int, ...]]:
    from allconv.nn import networks

    if model in networks.names():
        usual, *sides = networks.usual_images(model)
        (height, width), channels = size or sides, channels or usual
        net = networks.build(model, channels, (height, width), classes or DEFAULT_CLASSES)
        return net, (1, channels, height, width)
    from allconv import onnx
    from allconv.cli.model_shape import check_channels, image_shape

    if not os.path.lexists(model):
        known = ", ".join(networks.names())
        raise Misuse(f"MODEL is {model}; an .onnx file, or one of {known} is expected")
    if classes is not None:
        raise Misuse("--classes is for a network by name; a file has its own")
    loaded = onnx.load(model)
    check_channels(loaded, model, channels)
    return loaded, image_shape(loaded, model, size, channels)
