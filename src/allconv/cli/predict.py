"""`allconv predict`: the classes of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allconv.cli import settings
from allconv.cli.failures import Failure
from allconv.cli.group import command as make
from allconv.cli.output import Screen, say, say_json, screen
from allconv.errors import FileError
from allconv.text import encodable, percent

if TYPE_CHECKING:
    from allconv.cli.reader import Reader
    from allconv.operators.base import Array

BATCH = 256


@dataclass(frozen=True)
class Found:
    """What is said of one file: likely classes with probabilities, or why it cannot be read."""

    file: str
    predictions: tuple[tuple[str, float], ...] = ()
    error: str = ""


@make(
    "predict",
    "allconv predict run/model.onnx cat.jpg",
    "allconv predict run/model.onnx holiday/ --top 3",
    "allconv predict run/model.onnx *.png --json > predictions.jsonl",
    "allconv predict resnet18.onnx cat.jpg --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
)
@click.argument("model", type=settings.MODEL)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|FOLDER ...")
@click.option(
    "--top", type=settings.COUNT, default=1, show_default=True,
    help="Show so many classes of each image, the likeliest first.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write a line of JSON for each image.")
@settings.mean_and_std
@click.option(
    "--size", type=settings.Size(), metavar="SIDE|HEIGHTxWIDTH",
    help="The size of images for the network, likewise.",
)  # fmt: skip
@settings.pixel_limit_option
@click.option("--threads", type=settings.THREADS, help="[default: all processors]")
def command(
    model: str,
    images: tuple[str, ...],
    top: int,
    as_json: bool,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    size: tuple[int, int] | None,
    pixel_limit: int,
    threads: int | None,
) -> None:
    """Say which class each IMAGE is of.

    MODEL is a model.onnx that allconv train wrote, which holds all that is needed. Of a FOLDER
    all images below it. Images that cannot be read are named on stderr, the others are
    predicted all the same, and the exit status is 1. Other ONNX classifiers need --mean and
    --std.
    """
    from allconv.cli.reader import Reader
    from allconv.cli.runs import unfinished

    told = unfinished(Path(model))
    if told is not None:
        raise FileError(told)
    failed = 0
    with screen(err=True) as shown:
        reader = Reader.open(model, mean, std, size, threads)
        files, refused = _files(images)
        for found in (*refused, *_predicted(shown, reader, files, top, pixel_limit)):
            failed += bool(found.error)
            _write(shown, found, as_json=as_json)
    if failed:
        plural = "image" if failed == 1 else "images"
        raise Failure(
            f"{failed:,} {plural} could not be predicted, "
            f"{len(files) - failed + len(refused):,} could"
        )


def _files(images: Sequence[str]) -> tuple[list[Path], list[Found]]:
    """The images that are meant, and what in the folders cannot be looked at."""
    from allconv.data.listing import expand

    found = expand(images)
    return found.images, [Found(encodable(path), error=why) for path, why in found.unreadable]


def _predicted(
    shown: Screen, reader: Reader, files: list[Path], top: int, pixel_limit: int
) -> Iterator[Found]:
    """What is found in each file, in order."""
    for start in range(0, len(files), BATCH):
        chunk = files[start : start + BATCH]
        if len(files) > BATCH:
            shown.show("predicting", start, len(files), f"{start:,}/{len(files):,} images")
        probabilities, failed = reader.probabilities(chunk, pixel_limit)
        rows = iter(probabilities)
        for number, path in enumerate(chunk):
            if number in failed:
                yield Found(encodable(path), error=failed[number])
            else:
                yield _answer(encodable(path), next(rows), reader.classes, top)


def _answer(file: str, row: Array, classes: Sequence[str], top: int) -> Found:
    """The likeliest classes; a network with broken weights gives none."""
    if not all(map(isfinite, row.tolist())):
        return Found(file, error="the network gives NaN or infinity for it instead of numbers")
    order = (-row).argsort(kind="stable")[:top]
    return Found(file, tuple((classes[k], float(row[k])) for k in order))


def _write(shown: Screen, found: Found, *, as_json: bool) -> None:
    if as_json:
        say_json(_plain(found))
    if found.error:
        shown.line(f"{found.file}: {found.error}")
    elif not as_json:
        told = ", ".join(f"{name} {percent(share)}" for name, share in found.predictions)
        say(f"{found.file}  {told}")


def _plain(found: Found) -> dict[str, object]:
    if found.error:
        return {"file": found.file, "error": found.error}
    pairs = [{"class": name, "probability": share} for name, share in found.predictions]
    return {"file": found.file, "predictions": pairs}
