"""The page of a training: how good the network is, where it is wrong, what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from allconv.data import Dataset
from allconv.data.augment import augmented
from allconv.nn.module import Module
from allconv.picture.markup import Markup, element, joined
from allconv.show.report.album import Album, Shot
from allconv.show.report.confusion import ConfusionMatrix, confused
from allconv.show.report.pieces import (
    NO_BREAK,
    class_name,
    one_line,
    page,
    paragraph,
    percent,
    section,
    table,
)
from allconv.show.report.samples import Indices, Samples
from allconv.show.report.settings import data_part, network_part, recipe_part
from allconv.show.report.usage import usage
from allconv.text import counted
from allconv.train.curves import curves
from allconv.train.evaluate import interval
from allconv.train.feed import Augmentation
from allconv.train.history import History
from allconv.train.recipe import Recipe

PICTURES = 24  # of the worst mistakes, and of the least sure
SAMPLES, EPOCHS = 6, 3  # training images, and the epochs in which each is shown
MOST_CLASSES = 100
"""Classes that are shown in a table; of more, those that are recognised least."""


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """What a report is about.

    model: the name of the network. net: with the weights that were kept. samples: the part that it
    was tested on, and what it said of it. folder, file: where the network was written.
    source: the folder or file of the data, None for the images inside the package.
    """

    model: str
    net: Module
    data: Dataset
    recipe: Recipe
    history: History
    samples: Samples
    folder: Path
    file: str
    source: str | None = None


def run_report(run: TrainedRun) -> str:
    """The page, of less than a million characters whatever the number of classes and images."""
    album = Album()
    # Parts with few pictures come first where room is short; on the page the matrix does.
    mistakes, inputs = _mistakes(run.samples, album), _inputs(run, album)
    parts = [
        section("curves", "The training", *_curves(run.history)),
        section(
            "confusion",
            "What is taken for what",
            confused(run.samples) or paragraph("Nothing was confused."),
            ConfusionMatrix(run.samples).markup(album),
        ),
        mistakes,
        section("classes", "Class by class", _classes(run.samples, run.data.report.counts)),
        inputs,
        section(
            "made",
            "What was trained",
            element("h3", "Network"),
            network_part(run.model, run.net, run.data),
            element("h3", "Settings"),
            recipe_part(replace(run.recipe, augment=_augment(run)), run.history),
            element("h3", "Data"),
            data_part(run.data.report),
        ),
        section(
            "use", "How to use it", usage(run.folder, run.file, run.data, run.source, run.history)
        ),
    ]
    title = f"{one_line(str(run.folder))}: {run.model}, a report"
    return page(title, _header(run), *parts)


def _header(run: TrainedRun) -> Markup:
    """The result in a sentence, what it is of, and where to read on."""
    samples, history = run.samples, run.history
    right = len(samples) - len(samples.wrong)
    of = counted(len(samples), f"{samples.name} image")
    parameters = sum(array.size for array in run.net.parameters().values())
    lead = (
        f"{run.model}, {counted(parameters, 'parameter')}, trained on "
        f"{counted(len(run.data.train), 'image')} of "
        f"{counted(len(run.data.classes), 'class', 'classes')}, with the weights of epoch "
        f"{history.best_epoch:,} of {len(history.records):,}. "
        f"With so many images the 95{NO_BREAK}% confidence interval of its accuracy is "
        f"{' to '.join(map(percent, interval(right, len(samples))))}."
    )
    places = {
        "curves": "training",
        "confusion": "confusion",
        "mistakes": "mistakes",
        "classes": "classes",
        "inputs": "inputs",
        "made": "settings",
        "use": "how to use it",
    }
    links = [element("a", text, href=f"#{name}") for name, text in places.items()]
    return element(
        "header",
        element("h1", f"{percent(right / len(samples))} of {of} recognised"),
        paragraph(lead, kind="lead"),
        element("nav", *links, aria_label="Parts of this page"),
    )


def _curves(history: History) -> list[Markup]:
    charts = [element("figure", chart.svg()) for chart in curves(history)]
    said = (
        "Training loss and accuracy are means over the steps of an epoch, each taken before the "
        "step and on augmented images; those of validation are of the weights after the epoch."
    )
    return [element("div", *charts, class_="charts"), paragraph(said, kind="soft")]


def _mistakes(samples: Samples, album: Album) -> Markup:
    """The images that the network is surest of and wrong, and those it is least sure of."""
    wrong = samples.wrong
    parts = [element("h3", "The surest mistakes")]
    if len(wrong):
        figures, count = album.row(samples.shot(n) for n in wrong[:PICTURES].tolist())
        left = counted(len(wrong) - count, "more mistake")
        said = f"{left} in mistakes.csv." if len(wrong) > count else "All are shown."
        parts += [figures, paragraph(said, kind="soft")]
    else:
        parts.append(paragraph(f"None: every {samples.name} image is recognised."))
    figures, _ = album.row(samples.shot(n) for n in samples.unsure[:PICTURES].tolist())
    parts += [element("h3", "The images it is least sure of"), figures]
    return section("mistakes", "Where it is wrong, and where it doubts", *parts)


def _classes(samples: Samples, counts: Mapping[str, Sequence[int]]) -> Markup:
    """The table; `counts` has, by part, the number of images of each class."""
    size = len(samples.classes)
    tested = np.bincount(samples.labels, minlength=size)
    taken = np.bincount(samples.predicted, minlength=size)
    right = np.bincount(samples.labels[samples.labels == samples.predicted], minlength=size)
    with np.errstate(all="ignore"):
        recall, precision = right / tested, right / taken
    chosen = np.arange(size)
    if size > MOST_CLASSES:
        # NaN is sorted to the end: classes without an image to test them on come last.
        chosen = np.sort(np.argsort(recall, kind="stable")[:MOST_CLASSES])
    others = [part for part in counts if part != samples.name]
    head = ["class", *others, samples.name, "right", "recall", "precision"]
    rows = [
        [
            class_name(samples.classes[k]),
            *(f"{counts[part][k]:,}" for part in others),
            f"{tested[k]:,}",
            f"{right[k]:,}",
            percent(float(recall[k])),
            percent(float(precision[k])),
        ]
        for k in chosen.tolist()
    ]
    said = paragraph(
        "Recall: the share of the images of a class that are recognised. Precision: the share of "
        "the images taken for a class that are of it."
    )
    left = size - len(rows)
    more = [paragraph(f"{counted(left, 'class', 'classes')} that do better are left out.")]
    return joined(said, table(head, rows), *(more if left else []))


def _inputs(run: TrainedRun, album: Album) -> Markup:
    """Some training images as they are, and as the network gets them in the first epochs."""
    part, augment = run.data.train, _augment(run)
    chosen = _one_of_each(part.labels, SAMPLES)
    images = part.images[chosen]
    columns = [images]
    if augment is not None:
        columns += [
            # Keyed by (seed, epoch, index), so these are the images that were trained on.
            augmented(augment, images, chosen, epoch, run.recipe.seed)
            for epoch in range(min(EPOCHS, len(run.history.records)))
        ]
    captions = ["as it is", *(f"epoch {n}" for n in range(1, EPOCHS + 1))]
    rows = [
        album.row(
            Shot(column[n], f"a training image, {caption}", caption)
            for column, caption in zip(columns, captions, strict=False)
        )[0]
        for n in range(len(chosen))
    ]
    kind = run.data.preprocess
    numbers = [f"{mean:.3g} / {std:.3g}" for mean, std in zip(kind.mean, kind.std, strict=True)]
    said = (
        f"Images of {kind.width} × {kind.height} pixels. From each value, 0 to 1, the mean of the "
        "training images is subtracted, and the rest divided by their standard deviation (mean / "
        f"standard deviation: {', '.join(numbers)})."
    )
    if augment is None:
        said += " There was no augmentation."
    shown = element("div", *rows, class_="inputs")
    return section("inputs", "What the network sees", paragraph(said), shown)


def _augment(run: TrainedRun) -> Augmentation:
    """The augmentation that the recipe means."""
    given = run.recipe.augment
    return run.data.augment if isinstance(given, str) else given


def _one_of_each(labels: Indices, most: int) -> Indices:
    """The first image of each class, and more of them where the classes are few."""
    _, first = np.unique(labels, return_index=True)
    rest = np.setdiff1d(np.arange(len(labels)), first)
    return np.asarray(np.concatenate([np.sort(first), rest])[:most], np.int64)
