"""`allconv predict`: the classes of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allconv.cli import settings
from allconv.cli.failures import Failure
from allconv.cli.group import command as make
from allconv.cli.output import Screen, say, say_json, screen
from allconv.errors import FileError
from allconv.text import counted, encodable, percent

if TYPE_CHECKING:
    from allconv.cli.reader import Reader
    from allconv.operators.base import Array

BATCH = 256
MODEL = "model.onnx"  # in the folder of a run


@dataclass(frozen=True)
class FilePrediction:
    """What is said of one file: likely classes with probabilities, or why it cannot be read."""

    file: str
    predictions: tuple[tuple[str, float], ...] = ()
    error: str = ""


@make(
    "predict",
    "allconv predict run/model.onnx cat.jpg",
    "allconv predict run holiday/ --top 3",
    "allconv predict run/model.onnx *.png --json > predictions.jsonl",
    "allconv predict resnet18.onnx cat.jpg --preset imagenet --labels imagenet.txt",
)
@click.argument("model", type=settings.BASE)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|FOLDER ...")
@click.option(
    "--top", type=settings.COUNT, default=1, show_default=True,
    help="Show so many classes of each image, the likeliest first.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write a line of JSON for each image.")
@settings.foreign_options
@click.option(
    "--labels", type=settings.LABELS,
    help="The names of the classes, a line each, for a file that does not have them.",
)  # fmt: skip
@click.option(
    "--size", type=settings.Size(),
    help="The size of images for the network, likewise.",
)  # fmt: skip
@settings.pixel_limit_option
@click.option("--threads", type=settings.THREADS, help="[default: all processors]")
def command(
    model: str,
    images: tuple[str, ...],
    top: int,
    as_json: bool,
    labels: str | None,
    size: tuple[int, int] | None,
    pixel_limit: int,
    threads: int | None,
    **foreign: Any,
) -> None:
    """Say which class each IMAGE is of.

    MODEL is a model.onnx that allconv train wrote, which holds all that is needed, or its
    folder. Of a FOLDER of images all below it. Images that cannot be read are named on stderr, the
    others are predicted all the same, and the exit status is 1. Other ONNX classifiers need
    a --preset, or --mean and --std.
    """
    from allconv.cli.base import chosen_preset
    from allconv.cli.reader import Reader
    from allconv.cli.runs import unfinished

    if Path(model).is_dir():
        model = str(Path(model) / MODEL)
    told = unfinished(Path(model))
    if told is not None:
        raise FileError(told)
    failed = 0
    preset = chosen_preset(foreign)
    with screen(err=True) as shown:
        reader = Reader.open(model, preset, size, threads, layout=foreign["layout"], labels=labels)
        files, refused = _files(images)
        for found in (*refused, *_predicted(shown, reader, files, top, pixel_limit)):
            failed += bool(found.error)
            _write(shown, found, as_json=as_json)
    if failed:
        raise Failure(
            f"{counted(failed, 'image')} could not be predicted, "
            f"{len(files) - failed + len(refused):,} could"
        )


def _files(images: Sequence[str]) -> tuple[list[Path], list[FilePrediction]]:
    """The images that are meant, and what in the folders cannot be looked at."""
    from allconv.data.listing import expand

    found = expand(images)
    return found.images, [
        FilePrediction(encodable(path), error=why) for path, why in found.unreadable
    ]


def _predicted(
    shown: Screen, reader: Reader, files: list[Path], top: int, pixel_limit: int
) -> Iterator[FilePrediction]:
    """What is found in each file, in order."""
    for start in range(0, len(files), BATCH):
        chunk = files[start : start + BATCH]
        if len(files) > BATCH:
            shown.show("predicting", start, len(files), f"{start:,}/{len(files):,} images")
        probabilities, failed = reader.probabilities(chunk, pixel_limit)
        rows = iter(probabilities)
        for number, path in enumerate(chunk):
            if number in failed:
                yield FilePrediction(encodable(path), error=failed[number])
            else:
                yield _answer(encodable(path), next(rows), reader.classes, top)


def _answer(file: str, row: Array, classes: Sequence[str], top: int) -> FilePrediction:
    """The likeliest classes; a network with broken weights gives none."""
    if not all(map(isfinite, row.tolist())):
        return FilePrediction(
            file, error="the network gives NaN or infinity for it instead of numbers"
        )
    order = (-row).argsort(kind="stable")[:top]
    return FilePrediction(file, tuple((classes[k], float(row[k])) for k in order))


def _write(shown: Screen, found: FilePrediction, *, as_json: bool) -> None:
    if as_json:
        say_json(_plain(found))
    if found.error:
        shown.line(f"{found.file}: {found.error}")
    elif not as_json:
        told = ", ".join(f"{name} {percent(share)}" for name, share in found.predictions)
        say(f"{found.file}  {told}")


def _plain(found: FilePrediction) -> dict[str, object]:
    if found.error:
        return {"file": found.file, "error": found.error}
    pairs = [{"class": name, "probability": share} for name, share in found.predictions]
    return {"file": found.file, "predictions": pairs}
