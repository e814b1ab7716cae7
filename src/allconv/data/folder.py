"""A folder of class folders: the folders' sorted names are the classes, what is in them the images.

What is not divided by its folders (layout.py) is held out by class: 15 % to validate, 15 % to test.
Files may lie deeper in a class folder. Hidden files and folders are not looked at.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allconv.data.assemble import Shares, check_classes, divide, finish
from allconv.data.cache import decode_files
from allconv.data.dataset import Dataset, Part
from allconv.data.image_size import choose_size
from allconv.data.images import Header, read_header
from allconv.data.layout import Layout, find_layout
from allconv.data.listing import Found, find_images
from allconv.data.options import Options
from allconv.data.parallel import in_order
from allconv.data.repeated import find_repeated
from allconv.data.report import Report, some
from allconv.errors import Error, FileError
from allconv.text import encodable, printable

SHARES = Shares(validation=0.15, test=0.15)


@dataclass
class _Files:
    """One part of the data as files: path, label and header of each."""

    paths: list[Path]
    labels: list[int]
    headers: list[Header]

    def take(self, indices: list[int]) -> _Files:
        return _Files(
            [self.paths[i] for i in indices],
            [self.labels[i] for i in indices],
            [self.headers[i] for i in indices],
        )


def load_folder(root: Path, options: Options) -> Dataset:
    """Data set of a folder of class folders: split, sized, decoded, with a report of what is there.

    Files that cannot be read are left out and reported, or with `strict` a FileError; so are class
    folders without images. FileError too for a folder without class folders, with one class, or
    with a class that has images but none for training.
    """
    layout = find_layout(root)
    found = {
        part: {label: find_images(folder) for label, folder in by_class.items()}
        for part, by_class in layout.folders.items()
    }
    classes, found, notes = _with_images(root, layout, found)
    parts: list[_Files | None] = [None, None, None]
    unreadable: list[tuple[Path, str]] = []
    for part, by_label in found.items():
        for each in by_label.values():
            unreadable += each.unreadable
        parts[part] = _read_headers(by_label, unreadable, options.pixel_limit)
    _check_strict(unreadable, options)
    reasons = [(_relative(path, root), why) for path, why in unreadable]
    groups = _divided(root, classes, parts, options, reasons)
    headers = [header for group in groups for header in group.headers]
    size, found_channels, reason = choose_size(headers, options.image_size)
    channels = options.channels or found_channels
    made = _decode(root, groups, size, channels, options, unreadable)
    _check_strict(unreadable, options)
    ignored = [
        path for by_label in found.values() for each in by_label.values() for path in each.ignored
    ]
    report = Report(
        source=printable(root),
        classes=classes,
        counts={},
        smallest=(min(h.height for h in headers), min(h.width for h in headers)),
        largest=(max(h.height for h in headers), max(h.width for h in headers)),
        image_size=size,
        channels=channels,
        reason=reason,
        unreadable=tuple((_relative(path, root), why) for path, why in unreadable),
        ignored=tuple(_relative(path, root) for path in ignored),
        notes=(*notes, *_repeated(root, groups)),
    )
    flip = None if options.channels is None else found_channels == 3
    return finish(classes, made[0], made[1], made[2] if len(made[2]) else None, report, flip=flip)


def _with_images(
    root: Path, layout: Layout, found: dict[int, dict[int, Found]]
) -> tuple[tuple[str, ...], dict[int, dict[int, Found]], list[str]]:
    """Classes, what is in their folders, and notes, without the classes that have no image."""
    kept = [
        label
        for label in range(len(layout.classes))
        if any(
            each.images or each.unreadable
            for by_label in found.values()
            for number, each in by_label.items()
            if number == label
        )
    ]
    empty = [name for k, name in enumerate(layout.classes) if k not in kept]
    notes = [f"the folder '{printable(name)}' holds no image and is left out" for name in empty]
    if len(kept) < 2 and empty:
        raise FileError(
            f"{printable(root)} has images in {len(kept) or 'none'} of {len(layout.classes)} class "
            "folders; a classifier needs two or more classes"
        )
    places = {label: k for k, label in enumerate(kept)}
    renumbered = {
        part: {places[label]: each for label, each in by_label.items() if label in places}
        for part, by_label in found.items()
    }
    return tuple(layout.classes[label] for label in kept), renumbered, [*layout.notes, *notes]


def _repeated(root: Path, groups: Sequence[_Files]) -> list[str]:
    """Sentences on files that are in two classes, or in two parts."""
    paths = [path for group in groups for path in group.paths]
    labels = [label for group in groups for label in group.labels]
    parts = [part for part, group in enumerate(groups) for _ in group.paths]
    in_classes, in_parts = [], []
    for same in find_repeated(paths):
        names = [f"'{printable(_relative(paths[index], root))}'" for index in same[:3]]
        told = " and ".join(names) + (" ..." if len(same) > 3 else "")
        if len({labels[index] for index in same}) > 1:
            in_classes.append(told)
        elif len({parts[index] for index in same}) > 1:
            in_parts.append(told)
    notes = []
    if in_classes:
        notes.append(
            f"the same file in several classes, of which one at most is right: {some(in_classes)}"
        )
    if in_parts:
        notes.append(
            "the same file for training and for measuring, or for both measures, which makes them "
            f"look better: {some(in_parts)}"
        )
    return notes


def _read_headers(
    found: dict[int, Found], unreadable: list[tuple[Path, str]], pixel_limit: int
) -> _Files:
    """The files whose headers can be read; the others go to `unreadable`."""

    def read(pair: tuple[Path, int]) -> Header:
        return read_header(pair[0], pixel_limit=pixel_limit)

    files = _Files([], [], [])
    pairs = [(path, label) for label, each in found.items() for path in each.images]
    with closing(in_order(read, pairs)) as headers:
        for (path, label), header in zip(pairs, headers, strict=True):
            if isinstance(header, Error):
                unreadable.append((path, header.message))
            else:
                files.paths.append(path)
                files.labels.append(label)
                files.headers.append(header)
    return files


def _divided(
    root: Path,
    classes: tuple[str, ...],
    parts: list[_Files | None],
    options: Options,
    unreadable: list[tuple[str, str]],
) -> tuple[_Files, _Files, _Files]:
    """Files of the three parts; a part without a folder of its own is held out of training.

    Beside a train folder, a test part is held out only if asked for.
    """
    train, validation, test = parts
    files = train or _Files([], [], [])
    split = validation is not None or test is not None
    shares = Shares(SHARES.validation, 0.0 if split else SHARES.test)
    labels = np.array(files.labels, np.int64)
    check_classes(printable(root), classes, labels, unreadable)
    indices = divide(labels, options, shares, validation=validation is None, test=test is None)
    held = [files.take(chosen.tolist()) for chosen in indices]
    return held[0], validation or held[1], test or held[2]


def _decode(
    root: Path,
    groups: Sequence[_Files],
    size: tuple[int, int],
    channels: int,
    options: Options,
    unreadable: list[tuple[Path, str]],
) -> list[Part]:
    """The parts decoded, as slices of one array; files that fail go to `unreadable`."""
    paths = [path for group in groups for path in group.paths]
    labels = np.array([label for group in groups for label in group.labels], np.int64)
    decoded = decode_files(
        paths,
        size,
        channels,
        pixel_limit=options.pixel_limit,
        memory_limit=options.memory_limit,
        progress=options.progress,
    )
    unreadable += [(paths[index], why) for index, why in decoded.failed.items()]
    kept = np.array(decoded.kept, np.int64)
    borders = np.searchsorted(kept, np.cumsum([0, *(len(group.paths) for group in groups)]))
    parts = []
    for start, stop in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        names = tuple(_relative(paths[index], root) for index in decoded.kept[start:stop])
        parts.append(Part(decoded.images[start:stop], labels[kept[start:stop]], names))
    return parts


def _check_strict(unreadable: list[tuple[Path, str]], options: Options) -> None:
    if options.strict and unreadable:
        path, why = unreadable[0]
        more = f" (and {len(unreadable) - 1} more files)" if len(unreadable) > 1 else ""
        raise FileError(f"{printable(path)}: {why}{more}; without strict such files are left out")


def _relative(path: Path, root: Path) -> str:
    """The path below the root, with "/" on every system, as text that any file can hold."""
    below = path.relative_to(root) if path.is_relative_to(root) else path
    return encodable(below).replace(os.sep, "/")
