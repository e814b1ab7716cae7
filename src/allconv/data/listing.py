"""What lies in a folder: images, other files and what cannot be read. Hidden names are not seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from allconv.data.formats import HEAD_BYTES, find_format, is_image_name, shown
from allconv.errors import FileError


@dataclass
class Found:
    """Files of a folder tree: images, files that are none, and what cannot be read, with why."""

    images: list[Path] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def find_images(folder: Path) -> Found:
    """All files below a folder, sorted by path: images by their name or content, and the others."""
    found = Found()

    def refuse(error: OSError) -> None:
        found.unreadable.append((Path(error.filename), "is a folder that may not be read"))

    for name, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(entry for entry in folders if not is_hidden(entry))
        for entry in sorted(files):
            path = Path(name, entry)
            if not is_hidden(entry):
                _sort_in(path, found)
    return found


def entries(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """Sorted entries of a folder that are not hidden; FileError where it may not be read."""
    try:
        return sorted(p for p in folder.iterdir() if not is_hidden(p.name) and wanted(p))
    except PermissionError:
        raise FileError(f"{shown(folder)} may not be read by this user") from None
    except OSError as error:
        raise FileError(f"{shown(folder)} cannot be read ({error.strerror})") from None


def _sort_in(path: Path, found: Found) -> None:
    if not path.is_file():  # a broken link, or a pipe, which would never end
        found.unreadable.append((path, "is no file that can be read"))
    elif is_image_name(path):
        found.images.append(path)
    else:
        try:
            with path.open("rb") as file:
                known = find_format(file.read(HEAD_BYTES), path)
        except OSError:
            known = None
        (found.images if known else found.ignored).append(path)


def is_hidden(name: str) -> bool:
    """Whether a name is hidden, or the folder that macOS puts beside what it packs."""
    return name.startswith(".") or name == "__MACOSX"
