"""A folder of class folders: the folders' sorted names are the classes, what is in them the images.

    FOLDER/CLASS/...            held out by class: 15 % to validate, 15 % to test
    FOLDER/train/CLASS/...      and, where they are, val (valid, validation) and test beside it

Files may lie deeper in a class folder. Hidden files and folders are not looked at.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allconv.data.assemble import Shares, check_classes, divide, finish
from allconv.data.cache import decode_files
from allconv.data.dataset import Dataset, Part
from allconv.data.formats import is_image_name, shown
from allconv.data.image_size import choose_size
from allconv.data.images import Header, read_header
from allconv.data.listing import Found, entries, find_images
from allconv.data.options import Options
from allconv.data.parallel import in_order
from allconv.data.report import Report
from allconv.errors import Error, FileError

SHARES = Shares(validation=0.15, test=0.15)

_PARTS = {"train": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}


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

    Files that cannot be read are left out and reported, or with `strict` a FileError. FileError too
    for a folder without class folders, with one class, or with a class that has no training image.
    """
    classes, folders = _layout(root)
    parts: list[_Files | None] = [None, None, None]
    unreadable: list[tuple[Path, str]] = []
    ignored: list[Path] = []
    for k, by_class in folders.items():
        found = {label: find_images(folder) for label, folder in by_class.items()}
        for each in found.values():
            unreadable += each.unreadable
            ignored += each.ignored
        parts[k] = _read_headers(found, unreadable, options.pixel_limit)
    _check_strict(root, unreadable, options)
    reasons = [(_relative(path, root), why) for path, why in unreadable]
    train, validation, test = _divided(root, classes, parts, options, reasons)
    groups = [train, validation, test]
    headers = [header for group in groups for header in group.headers]
    size, channels, reason = choose_size(headers, options.image_size)
    made = _decode(root, groups, size, channels, options, unreadable)
    _check_strict(root, unreadable, options)
    report = Report(
        source=shown(root),
        classes=classes,
        counts={},
        smallest=(min(h.height for h in headers), min(h.width for h in headers)),
        largest=(max(h.height for h in headers), max(h.width for h in headers)),
        image_size=size,
        channels=channels,
        reason=reason,
        unreadable=tuple((_relative(path, root), why) for path, why in unreadable),
        ignored=tuple(_relative(path, root) for path in ignored),
    )
    return finish(classes, made[0], made[1], made[2] if len(made[2]) else None, report)


def _layout(root: Path) -> tuple[tuple[str, ...], dict[int, dict[int, Path]]]:
    """Names of the classes and, for each part (0 to 2) that there is, its folders by label."""
    folders = entries(root, lambda path: path.is_dir())
    names = {path.name.lower() for path in folders}
    if names and names <= set(_PARTS):
        if "train" not in names:
            raise FileError(f"{shown(root)} has {', '.join(sorted(names))} but no train folder")
        sources: dict[int, Path] = {}
        for path in folders:
            k = _PARTS[path.name.lower()]
            if k in sources:
                raise FileError(
                    f"{shown(root)} has both {sources[k].name} and {path.name}; keep one"
                )
            sources[k] = path
    else:
        sources = {0: root}
    inside = {
        k: {path.name: path for path in entries(folder, lambda path: path.is_dir())}
        for k, folder in sources.items()
    }
    classes = tuple(sorted({name for folders in inside.values() for name in folders}))
    if not classes:
        loose = len(entries(root, lambda path: path.is_file() and is_image_name(path)))
        what = f"holds {loose} images but no folders" if loose else "holds no folders of images"
        raise FileError(
            f"{shown(root)} {what}; put the images of each class into a folder with its name"
        )
    label = {name: k for k, name in enumerate(classes)}
    labelled = {
        k: {label[name]: path for name, path in sorted(folders.items())}
        for k, folders in inside.items()
    }
    return tuple(shown(Path(name)) for name in classes), labelled


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
    check_classes(shown(root), classes, labels, unreadable)
    indices = divide(labels, options, shares, validation=validation is None, test=test is None)
    held = [files.take(chosen.tolist()) for chosen in indices]
    return held[0], validation or held[1], test or held[2]


def _decode(
    root: Path,
    groups: list[_Files],
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


def _check_strict(root: Path, unreadable: list[tuple[Path, str]], options: Options) -> None:
    if options.strict and unreadable:
        path, why = unreadable[0]
        more = f" (and {len(unreadable) - 1} more files)" if len(unreadable) > 1 else ""
        raise FileError(f"{shown(path)}: {why}{more}; without strict such files are left out")


def _relative(path: Path, root: Path) -> str:
    """The path below the root, with "/" on every system."""
    return shown(path.relative_to(root) if path.is_relative_to(root) else path).replace(os.sep, "/")
