"""A folder of class folders: the folders' sorted names are the classes, what is in them the images.

What is not divided by its folders (folder_layout.py) is held out by class, 15 % for each part.
Files may lie deeper in a class folder. Hidden files and folders are not looked at.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

import numpy as np

from allconv.data.assemble import Shares, check_classes, divide, finish
from allconv.data.cache import decode_files
from allconv.data.dataset import Dataset, Part
from allconv.data.folder_layout import FolderLayout, find_layout
from allconv.data.images import Header, read_header
from allconv.data.listing import FoundFiles, find_images
from allconv.data.load_options import LoadOptions
from allconv.data.parallel import in_order
from allconv.data.repeated import find_repeated
from allconv.data.report import Report, some
from allconv.errors import Error, FileError
from allconv.text import encodable, printable

SHARES = Shares(validation=0.15, test=0.15)
SIDES = (8, 16, 24, 32, 48, 64, 96)
"""The sizes that are chosen, in pixels: on the largest a CPU trains in minutes, not hours."""


@dataclass(frozen=True)
class _File:
    """A file of the data: where it lies, the number of its class, what it says of itself."""

    path: Path
    label: int
    header: Header


def load_folder(root: Path, options: LoadOptions) -> Dataset:
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
    parts: list[list[_File] | None] = [None, None, None]
    unreadable: list[tuple[Path, str]] = []
    for part, by_label in found.items():
        for each in by_label.values():
            unreadable += each.unreadable
        parts[part] = _read_headers(by_label, unreadable, options.pixel_limit)
    _check_strict(unreadable, options)
    reasons = [(_relative(path, root), why) for path, why in unreadable]
    groups = _divided(root, classes, parts, options, reasons)
    headers = [file.header for group in groups for file in group]
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
    root: Path, layout: FolderLayout, found: dict[int, dict[int, FoundFiles]]
) -> tuple[tuple[str, ...], dict[int, dict[int, FoundFiles]], list[str]]:
    """Classes, what is in their folders, and notes, without the classes that have no image."""
    both = [pair for by_label in found.values() for pair in by_label.items()]
    kept = sorted({label for label, each in both if each.images or each.unreadable})
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


def _repeated(root: Path, groups: Sequence[list[_File]]) -> list[str]:
    """Sentences on files that are in two classes, or in two parts."""
    files = [(file, part) for part, group in enumerate(groups) for file in group]
    in_classes, in_parts = [], []
    for indices in find_repeated([file.path for file, _ in files]):
        same = [files[index] for index in indices]
        names = [f"'{printable(_relative(file.path, root))}'" for file, _ in same[:3]]
        told = " and ".join(names) + (" ..." if len(same) > 3 else "")
        if len({file.label for file, _ in same}) > 1:
            in_classes.append(told)
        elif len({part for _, part in same}) > 1:
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


def choose_size(
    headers: Sequence[Header], asked: tuple[int, int] | None
) -> tuple[tuple[int, int], int, str]:
    """((height, width), channels, the reason as a phrase) for these images.

    One small size stays; otherwise a square of 8, 16, 24, 32, 48, 64 or 96 pixels, the greatest
    that the median short side reaches. Grey if every file is grey.
    """
    channels = 1 if all(header.gray for header in headers) else 3
    if asked is not None:
        return asked, channels, "as asked"
    sizes = {(header.height, header.width) for header in headers}
    if len(sizes) == 1 and max(size := next(iter(sizes))) <= SIDES[-1]:
        return size, channels, "the size of all images"
    typical = median_low(min(header.height, header.width) for header in headers)
    side = max((side for side in SIDES if side <= typical), default=SIDES[0])
    reason = f"the middle of each image, for the median short side is {typical} pixels"
    if typical > SIDES[-1]:
        reason += f", and {SIDES[-1]} is the most that is chosen unless asked"
    return (side, side), channels, reason


def _read_headers(
    found: dict[int, FoundFiles], unreadable: list[tuple[Path, str]], pixel_limit: int
) -> list[_File]:
    """The files whose headers can be read; the others go to `unreadable`."""

    def read(pair: tuple[Path, int]) -> Header:
        return read_header(pair[0], pixel_limit=pixel_limit)

    files = []
    pairs = [(path, label) for label, each in found.items() for path in each.images]
    with closing(in_order(read, pairs)) as headers:
        for (path, label), header in zip(pairs, headers, strict=True):
            if isinstance(header, Error):
                unreadable.append((path, header.message))
            else:
                files.append(_File(path, label, header))
    return files


def _divided(
    root: Path,
    classes: tuple[str, ...],
    parts: list[list[_File] | None],
    options: LoadOptions,
    unreadable: list[tuple[str, str]],
) -> tuple[list[_File], list[_File], list[_File]]:
    """Files of the three parts; a part without a folder of its own is held out of training.

    Beside a train folder, a test part is held out only if asked for.
    """
    train, validation, test = parts
    files = train or []
    split = validation is not None or test is not None
    shares = Shares(SHARES.validation, 0.0 if split else SHARES.test)
    labels = np.array([file.label for file in files], np.int64)
    check_classes(printable(root), classes, labels, unreadable)
    indices = divide(labels, options, shares, validation=validation is None, test=test is None)
    held = [[files[index] for index in chosen.tolist()] for chosen in indices]
    return (
        held[0],
        held[1] if validation is None else validation,
        held[2] if test is None else test,
    )


def _decode(
    root: Path,
    groups: Sequence[list[_File]],
    size: tuple[int, int],
    channels: int,
    options: LoadOptions,
    unreadable: list[tuple[Path, str]],
) -> list[Part]:
    """The parts decoded, as slices of one array; files that fail go to `unreadable`."""
    paths = [file.path for group in groups for file in group]
    labels = np.array([file.label for group in groups for file in group], np.int64)
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
    borders = np.searchsorted(kept, np.cumsum([0, *map(len, groups)]))
    parts = []
    for start, stop in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        names = tuple(_relative(paths[index], root) for index in decoded.kept[start:stop])
        parts.append(Part(decoded.images[start:stop], labels[kept[start:stop]], names))
    return parts


def _check_strict(unreadable: list[tuple[Path, str]], options: LoadOptions) -> None:
    if options.strict and unreadable:
        path, why = unreadable[0]
        more = f" (and {len(unreadable) - 1} more files)" if len(unreadable) > 1 else ""
        raise FileError(f"{printable(path)}: {why}{more}; without strict such files are left out")


def _relative(path: Path, root: Path) -> str:
    """The path below the root, with "/" on every system, as text that any file can hold."""
    below = path.relative_to(root) if path.is_relative_to(root) else path
    return encodable(below).replace(os.sep, "/")
