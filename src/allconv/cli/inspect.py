"""`allconv inspect`: what a network is made of, a layer a row."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from allconv.cli import settings
from allconv.cli.failures import Misuse
from allconv.cli.group import command as make
from allconv.cli.model_shape import (
    check_channels,
    image_shape,
    is_by_name,
    named_network,
    shown_shape,
)
from allconv.cli.output import say, screen
from allconv.errors import ShapeError
from allconv.text import table

if TYPE_CHECKING:
    from allconv.nn import Module
    from allconv.onnx import OnnxModule
    from allconv.onnx.model import Input


@make(
    "inspect",
    "allconv inspect convnet",
    "allconv inspect all-cnn --size 96 --channels 3 --classes 5",
    "allconv inspect run/model.onnx",
)
@click.argument("model", type=settings.MODEL_OR_NAME)
@click.option("--size", type=settings.Size(), help="Of the images.")
@click.option("--channels", type=settings.COUNT, help="1 grey, 3 colour.")
@click.option("--classes", type=settings.COUNT, help="Of a network by name.")
@click.option(
    "--shape",
    "shapes",
    type=settings.Shape(),
    multiple=True,
    metavar="NxCxHxW",
    help="Of an input of a file, with the batch; once for each input.",
)
@click.option("--all", "everything", is_flag=True, help="A row a layer, however many there are.")
def command(
    model: str,
    size: tuple[int, int] | None,
    channels: int | None,
    classes: int | None,
    shapes: tuple[tuple[int, ...], ...],
    everything: bool,
) -> None:
    """Show the layers of a network.

    MODEL is an .onnx file or the name of a network. A row a layer: the kernel that runs it, its
    output for one image, its parameters, multiply-adds, the memory of the output, how many
    pixels of the image a cell sees, and by how many pixels the next cell lies apart. A network
    by name is shown for 10 classes and grey images of 28 x 28, or, where it is for photographs,
    colour images of 224 x 224, unless told otherwise. Of many layers neighbours share a row: what
    works cell by cell stands beside the layer before it, and then what has names that begin alike.
    """
    from allconv.cli.layers import HEAD, describe
    from allconv.nn.abridge import MOST_ROWS

    with screen(err=True) as shown:
        net, taken = _network(model, size, channels, classes, shapes)
        try:
            rows, totals = describe(net, taken, sys.maxsize if everything else MOST_ROWS)
        except ShapeError as error:
            if size is None and channels is None and not shapes:
                raise
            asked = ", ".join(map(str, taken))
            other = "--shape" if shapes else "--size"
            raise Misuse(f"{model} does not take {asked}: {error}; give another {other}") from None
        shown.hide()
    for line in [*table([HEAD, *rows], left=2), "", *totals]:
        say(line)


def _network(
    model: str,
    size: tuple[int, int] | None,
    channels: int | None,
    classes: int | None,
    shapes: Sequence[tuple[int, ...]],
) -> tuple[Module, list[tuple[int, ...]]]:
    if is_by_name(model, classes):
        if shapes:
            raise Misuse("--shape is for a file; give --size and --channels")
        net, shape = named_network(model, size, channels, classes)
        return net, [shape]
    from allconv import onnx

    if shapes and (size is not None or channels is not None):
        raise Misuse("--shape says all sizes; leave --size and --channels out")
    return _of_file(onnx.load(model), model, size, channels, shapes)


def _of_file(
    net: OnnxModule,
    model: str,
    size: tuple[int, int] | None,
    channels: int | None,
    shapes: Sequence[tuple[int, ...]],
) -> tuple[Module, list[tuple[int, ...]]]:
    """A network from a file and the shapes of its inputs; integers that it takes are all 1."""
    import numpy as np

    inputs = net.model.inputs
    if shapes and len(shapes) != len(inputs):
        raise Misuse(f"{model} takes {len(inputs)} arrays; give --shape as often")
    known = all(each.shape is not None and None not in each.shape[1:] for each in inputs)
    if not shapes and not (known and size is None and channels is None):
        if len(inputs) > 1 or any(each.static for each in inputs) or not _is_image(inputs[0]):
            told = ", ".join(f"{each.name} {_declared(each)}" for each in inputs)
            raise Misuse(f"{model} takes {told}; give --shape for each")
        check_channels(net, model, channels)
        return net, [image_shape(net, model, size, channels)]
    taken = list(shapes) or [tuple(n or 1 for n in each.shape or ()) for each in inputs]
    fixed = {e.name: np.ones(s, e.dtype) for e, s in zip(inputs, taken, strict=True) if e.static}
    if not fixed:
        return net, taken
    rest = [s for e, s in zip(inputs, taken, strict=True) if not e.static]
    return net.with_inputs(**fixed), rest


def _is_image(given: Input) -> bool:
    return given.shape is None or len(given.shape) == 4  # (N, C, H, W)


def _declared(given: Input) -> str:
    return "of any shape" if given.shape is None else shown_shape(given.shape)
