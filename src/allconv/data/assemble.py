"""Parts to a data set: what is missing is held out, then everything is checked and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from allconv.data.augment import Augment
from allconv.data.cache import resized_images
from allconv.data.dataset import Dataset, Part
from allconv.data.load_options import LoadOptions
from allconv.data.preprocess import Preprocess
from allconv.data.report import Report, count_classes
from allconv.data.split import Indices, hold_out, sample
from allconv.errors import FileError
from allconv.text import counted, printable


@dataclass(frozen=True)
class Shares:
    """Which share of the images becomes the part that the source does not bring along."""

    validation: float
    test: float


def divide(
    labels: Indices, options: LoadOptions, shares: Shares, *, validation: bool, test: bool
) -> tuple[Indices, Indices, Indices]:
    """Indices for training, validation and test; a part is held out where its flag says so.

    Shares count from all samples; `options` overrides the defaults in `shares`, and its `samples`
    limits what is left for training.
    """
    rest = np.arange(labels.size, dtype=np.int64)
    held = [np.empty(0, np.int64), np.empty(0, np.int64)]
    expected = (
        ("validation", validation, options.validation, shares.validation),
        ("test", test, options.test, shares.test),
    )
    used = 0.0
    for k, (name, missing, chosen, default) in enumerate(expected):
        share = default if chosen is None else chosen
        if missing and share:
            held[k] = rest[hold_out(labels[rest], share / (1 - used), options.seed, name)]
            rest = np.setdiff1d(rest, held[k], assume_unique=True)
            used += share
    if options.samples is not None and rest.size:
        rest = rest[sample(labels[rest], options.samples, options.seed)]
    return rest, held[0], held[1]


def from_parts(
    source: str,
    classes: tuple[str, ...],
    train: Part,
    validation: Part | None,
    test: Part | None,
    options: LoadOptions,
    shares: Shares,
    *,
    flip: bool | None = None,
    white: int | None = None,
) -> Dataset:
    """Data set of arrays: parts that are None are held out of `train`, images scaled if asked.

    `white` is its value in the arrays, as `pixels.find_white` gives it.
    """
    check_classes(source, classes, train.labels)
    kept, to_validation, to_test = divide(
        train.labels, options, shares, validation=validation is None, test=test is None
    )
    if validation is None:
        validation = train.take(to_validation)
    if test is None and to_test.size:
        test = train.take(to_test)
    train = train.take(kept)
    height, width = train.images.shape[1:3]
    size = options.image_size or (height, width)
    chosen = size == (height, width)
    return finish(
        classes,
        _resized(train, size, options),
        _resized(validation, size, options),
        None if test is None else _resized(test, size, options),
        Report(
            source=source,
            classes=classes,
            counts={},
            smallest=(height, width),
            largest=(height, width),
            image_size=size,
            channels=train.images.shape[3],
            reason="the size of the images" if chosen else "as asked",
        ),
        flip=flip,
        white=white,
    )


def finish(
    classes: tuple[str, ...],
    train: Part,
    validation: Part,
    test: Part | None,
    report: Report,
    *,
    flip: bool | None = None,
    white: int | None = None,
) -> Dataset:
    """The data set of parts that are ready; `report` still lacks its counts.

    `flip` says whether left and right are alike in these images; None: as their kind suggests.
    """
    check_classes(report.source, classes, train.labels, report.unreadable)
    if not len(validation):
        raise FileError(
            f"{report.source} has too few images to hold some out for validation; "
            "give 3 or more of each class"
        )
    preprocess = Preprocess.from_training(train.images, white=white)
    augment = Augment.default(*preprocess.size, preprocess.channels)
    if flip is not None:
        augment = Augment(flip=flip, shift=augment.shift)
    named = {"training": train, "validation": validation, "test": test}
    counts = {
        name: count_classes(part.labels, classes)
        for name, part in named.items()
        if part is not None
    }
    told = replace(report, counts=counts)
    return Dataset(train, validation, test, classes, preprocess, told, augment)


def check_classes(
    source: str,
    classes: tuple[str, ...],
    labels: Indices,
    unreadable: Sequence[tuple[str, str]] = (),
) -> None:
    """FileError unless there are two classes and each has a training image, by their labels."""
    if len(classes) < 2:
        found = f"only one class, '{printable(classes[0])}'" if classes else "no class"
        raise FileError(f"{source} has {found}; a classifier needs two or more")
    counts = count_classes(labels, classes)
    if 0 in counts:
        name = classes[counts.index(0)]
        sentence = f"{source} has no training image of class '{printable(name)}'"
        own = [(path, why) for path, why in unreadable if name in Path(path).parts[:-1]]
        if own:
            path, why = own[0]
            sentence += f" ({counted(len(own), 'unreadable file')}; {printable(path)} {why})"
        raise FileError(f"{sentence}; add some or remove the class")


def _resized(part: Part, size: tuple[int, int], options: LoadOptions) -> Part:
    return Part(resized_images(part.images, size, options.memory_limit), part.labels, part.names)
