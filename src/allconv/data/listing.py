"""What lies in a folder: images, other files and what cannot be read. Hidden names are not seen."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from allconv.data.formats import HEAD_BYTES, find_format, is_image_name
from allconv.errors import ArgumentError, FileError
from allconv.files import open_file
from allconv.text import printable


@dataclass
class FoundFiles:
    """Files of a folder tree: images, other files, and what cannot be read, with why."""

    images: list[Path] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)

    def add(self, other: FoundFiles) -> None:
        """Take over what was found elsewhere."""
        self.images += other.images
        self.ignored += other.ignored
        self.unreadable += other.unreadable


def find_images(folder: Path) -> FoundFiles:
    """All files below a folder, sorted by path: images by their name or content, and the others."""
    found = FoundFiles()

    def refuse(error: OSError) -> None:
        found.unreadable.append((Path(error.filename), "is a folder that may not be read"))

    for name, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(entry for entry in folders if not is_hidden(entry))
        links = [path for entry in folders if (path := Path(name, entry)).is_symlink()]
        found.unreadable += [
            (path, "is a link to a folder, which is not followed") for path in links
        ]
        for entry in sorted(files):
            path = Path(name, entry)
            if not is_hidden(entry):
                _sort_in(path, found)
    return found


def expand(places: Sequence[str | os.PathLike[str]]) -> FoundFiles:
    """The image files that names stand for, in their order.

    A file stands for itself, whatever is in it; a folder for the images below it; and a name with
    *, ? or [ that no file has for what matches it ("photos/*.jpg", "photos/**/*.png"), sorted.
    Errors: ArgumentError for an empty name, FileError for a folder or a pattern without images.
    """
    found = FoundFiles()
    for each in places:
        name = os.fsdecode(each)
        if not name:
            raise ArgumentError("the name of an image is empty; give a file, folder or pattern")
        if not glob.has_magic(name) or os.path.lexists(name):
            _add(Path(name), found)
            continue
        matches: list[str] = []
        if "\0" not in name:
            matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  # Path.glob: relative only
        if not matches:
            raise FileError(f"{printable(name)}: no file has a name like this")
        matched = FoundFiles()
        for match in matches:
            _add(Path(match), matched)
        found.add(FoundFiles(list(dict.fromkeys(matched.images)), [], matched.unreadable))
    return found


def _add(path: Path, found: FoundFiles) -> None:
    """Add a file, or the images of a folder."""
    if not os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises for names that are too long
        found.images.append(path)
        return
    inside = find_images(path)
    if not inside.images and not inside.unreadable:
        raise FileError(f"{printable(path)} holds no image; give another folder")
    found.add(inside)


def entries(folder: Path, expected: Callable[[Path], bool]) -> list[Path]:
    """Sorted entries of a folder that are not hidden; FileError where it may not be read."""
    with _readable(folder):
        return sorted(p for p in folder.iterdir() if not is_hidden(p.name) and expected(p))


def subfolders(folder: Path) -> list[Path]:
    """Sorted folders in a folder that are not hidden, links to folders included; see `entries`."""
    with _readable(folder), os.scandir(folder) as found:
        return sorted(Path(each) for each in found if not is_hidden(each.name) and _is_folder(each))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link that leads back to itself is none."""
    return Path(entry).is_dir() if entry.is_symlink() else entry.is_dir()


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise FileError(f"{printable(folder)} may not be read by this user") from None
    except OSError as error:
        raise FileError(f"{printable(folder)} cannot be read ({error.strerror})") from None


def _sort_in(path: Path, found: FoundFiles) -> None:
    if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises where it may not look
        found.unreadable.append((path, "is not a file that can be read"))
    elif is_image_name(path):
        found.images.append(path)
    else:
        try:
            with open_file(path) as file:
                known = find_format(file.read(HEAD_BYTES), path)
        except (FileError, OSError):
            known = None
        (found.images if known else found.ignored).append(path)


def is_hidden(name: str) -> bool:
    """Whether a name is hidden, or the folder that macOS puts beside what it packs."""
    return name.startswith(".") or name == "__MACOSX"
