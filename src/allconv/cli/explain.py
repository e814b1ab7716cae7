"""`allconv explain`: the page of a network, and of what it does with a photograph."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

import click

from allconv.cli import settings
from allconv.cli.failures import Misuse
from allconv.cli.group import command as make
from allconv.cli.output import screen
from allconv.cli.output_file import check_output, write_result

ENDING = "-explained"
LONGEST_STEM = 80


@make(
    "explain",
    "allconv explain run/model.onnx",
    "allconv explain run/model.onnx --image cat.jpg",
    "allconv explain mobilenet-v2 -o network.html",
    "allconv explain run/model.onnx --beside run-2/model.onnx --image cat.jpg",
    "allconv explain resnet-18 --size 64 --channels 1",
    "allconv explain resnet18.onnx --image cat.jpg --mean 0.485,0.456,0.406 "
    "--std 0.229,0.224,0.225",
)
@click.argument("model", type=settings.MODEL_OR_NAME)
@click.option(
    "--image", type=settings.IMAGE,
    help="A photograph: what each layer gives for it, and what speaks for its class.",
)  # fmt: skip
@click.option(
    "--beside", type=settings.MODEL_OR_NAME,
    metavar="MODEL", help="Another network to hold against it.",
)  # fmt: skip
@click.option(
    "-o", "--out", type=settings.PAGE,
    help="The page; NAME-explained.html unless given, numbered where that is there already.",
)  # fmt: skip
@click.option(
    "--size",
    type=settings.Size(),
    help="The size of the images [default: that of the file; 224 or 28 for a network by name].",
)
@click.option("--channels", type=settings.COUNT, help="1 grey, 3 colour.")
@click.option("--classes", type=settings.COUNT, help="How many, of a network by name.")
@settings.mean_and_std
@click.option(
    "--maps", type=settings.Whole(1, 4096), default=8, show_default=True,
    help="With --image: show so many channels of each layer.",
)  # fmt: skip
@click.option("--profile", is_flag=True, help="Measure the time of each layer.")
@click.option("--full", is_flag=True, help="Show everything, however large the page gets.")
@settings.pixel_limit_option
@click.pass_context
def command(ctx: click.Context, /, out: str | None, **options: Any) -> None:
    """Draw a network as a page, with an image through it.

    MODEL is an .onnx file or the name of a network, which gets random weights. The page is one
    HTML file: the layers as a graph, and for each its shapes, parameters, multiply-adds, memory,
    kernel and receptive field; with --image its feature maps, what a unit sees of the image, the
    likeliest classes and what speaks for the first. A file that cannot run is drawn all the same.
    """
    from allconv.cli.explained import Asked, explained

    given = ctx.get_parameter_source("maps") is click.core.ParameterSource.COMMANDLINE
    if given and options["image"] is None:
        raise Misuse("--maps is for what the layers give for an image; give --image, too")
    asked = Asked(**options)
    # Refused before anything is computed where it cannot be written.
    target = _free_name(asked.model) if out is None else check_output("--out", out)
    with screen() as shown:
        text = explained(shown, asked)
        result = write_result(target, text.encode())
        shown.hide()
        shown.line(result)
        shown.line("next: open it in a browser; it is one file and fetches nothing")


def _free_name(model: str) -> Path:
    """NAME-explained.html in this folder, or NAME-explained-2.html and so on."""
    stem = Path(model).stem[:LONGEST_STEM].replace("\0", "") or "network"
    names = (f"{stem}{ENDING}{f'-{n}' if n > 1 else ''}.html" for n in count(1))
    return Path(next(name for name in names if not os.path.lexists(name)))
