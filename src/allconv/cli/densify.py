"""`allconv densify`: a classifier as a network that slides over larger images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from allconv.cli import settings
from allconv.cli.failures import Misuse
from allconv.cli.group import command as make
from allconv.cli.output import screen

if TYPE_CHECKING:
    from allconv.data import Preprocess
    from allconv.nn import Module
    from allconv.nn.rewrites.densify import DenseNetwork
    from allconv.onnx import OnnxModule

GROWN = 2  # times as many parameters are told
STEPS = 2  # by how many steps the canvas of noise is larger than a crop


@make(
    "densify",
    "allconv densify run/model.onnx -o dense.onnx",
    "allconv densify resnet18.onnx -o dense.onnx --size 224",
)
@click.argument("model", type=settings.MODEL)
@click.option(
    "-o", "--out", type=settings.MODEL, metavar="FILE", required=True, help="The file to write."
)
@click.option(
    "--size", type=settings.Size(),
    help="Of the images that it was trained on, for a file that does not say it.",
)  # fmt: skip
@click.option(
    "--means", type=click.Choice(("window",)),
    help="Take means of all of an image that are given back to its cells, as in squeeze-and-"
    "excitation, over the training extent around each cell.",
)  # fmt: skip
def command(model: str, out: str, size: tuple[int, int] | None, means: str | None) -> None:
    """Let a classifier slide over larger images.

    MODEL is an .onnx file of a classifier, such as allconv train writes. FILE holds the same
    weights as a fully convolutional network: for images of any size from that of the training
    on it gives a map of answers, one for each place where such an image fits, in one run.
    Where the network pads its images, a place inside a larger image has neighbours instead, and
    its answer differs from that for the part alone; then this says by how much.
    """
    from allconv.nn.rewrites.densify import densify
    from allconv.onnx import load
    from allconv.onnx.write.open_sizes import save_open

    if os.path.lexists(out):
        raise Misuse(f"--out is {out}, which is there already; give another name")
    with screen() as shown:
        net = load(model)
        single, shape, preprocess = _classifier(net, model, size)
        dense = densify(single, shape, means=means)
        for line in [*_grown(dense, single), _compared(dense, single)]:
            shown.line(line)
        save_open(dense, out, classes=net.classes, preprocess=preprocess)
        for line in _told(dense, out, takes_bytes=preprocess is not None):
            shown.line(line)


def _classifier(
    net: OnnxModule, model: str, size: tuple[int, int] | None
) -> tuple[Module, tuple[int, ...], Preprocess | None]:
    """The network for prepared images, their shape, and how they are prepared."""
    from allconv.cli.model_shape import image_shape
    from allconv.data import Preprocess

    shape = image_shape(net, model, size)
    if net.model.inputs[0].dtype != "uint8":
        return net, shape, None
    if net.preprocess is None:
        raise Misuse(f"{model} takes bytes and does not say how it prepares them; export it anew")
    inner = net.for_any_size()  # refuses other than images (N, H, W, C)
    _, height, width, channels = shape
    return inner, (1, channels, height, width), Preprocess.from_json(net.preprocess)


def _grown(dense: DenseNetwork, single: Module) -> list[str]:
    """That there are many more weights, where there are."""
    before, after = (sum(w.size for w in net.parameters().values()) for net in (single, dense))
    if after < GROWN * before:
        return []
    return [
        f"{after:,} parameters instead of {before:,}: layers that are locally connected become "
        "linear, with a weight for every pair of cells; the classifier on crops may be faster"
    ]


def _told(dense: DenseNetwork, out: str, *, takes_bytes: bool) -> list[str]:
    """What the file is for, and a program that uses it."""
    every = f"{dense.step[0]}" if len(set(dense.step)) == 1 else _times(dense.step)
    plural = "" if every == "1" else "s"
    crop, channels = _times(dense.crop), dense.input_shape[1]
    lines = [
        f"result: {out} takes images of {crop} or larger; an answer every {every} pixel{plural}"
    ]
    if not takes_bytes:
        use = f"allconv.onnx.load({out!r})(x), x float32 (N, {channels}, *size),"
        heads = len(dense.graph.outputs)
        several = f" of each of {heads} heads" if heads > 1 else ""
        return [*lines, f"next: in Python {use} gives scores (N, classes, *places){several}"]
    read = 'convert("RGB"))[None]' if channels == 3 else 'convert("L"))[None, ..., None]'
    return [
        *lines,
        "next: a map of scores (1, classes, *places) for a picture, in Python",
        "    import allconv, numpy, PIL.Image",
        f'    x = numpy.asarray(PIL.Image.open("picture.png").{read}',
        f"    scores = allconv.onnx.load({out!r})(x)",
    ]


def _compared(dense: DenseNetwork, single: Module) -> str:
    """How far answers lie from those for crops alone, on an image of noise."""
    import numpy as np

    if dense.is_exact:
        return "no answer depends on padding: each is that for its part of the image alone"

    sizes = [c + STEPS * s for c, s in zip(dense.crop, dense.step, strict=True)]
    shape = (1, dense.input_shape[1], *sizes)
    noise = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    compared = dense.compare(single, noise)
    heads = compared if isinstance(compared, tuple) else (compared,)
    reach = max(float(np.abs(found.crops).max()) for found in heads)
    largest = max(found.largest for found in heads)
    if dense.means is not None:
        return (
            "means of a whole image that the network gives back to its cells are taken over the "
            "training extent around each cell, so answers differ: on an image of noise by up to "
            f"{largest:.2g} from those for parts alone, which reach {reach:.2g}"
        )
    if not heads[0].differing.any():
        return (
            "no answer depends on padding, sums are added in another order: on an image of noise "
            f"answers differ by up to {largest:.1g} from those for parts alone"
        )
    return (
        "the network pads its images, so answers inside a larger image differ: on an image of "
        f"noise by up to {largest:.2g} from those for parts alone, which reach {reach:.2g}"
    )


def _times(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
