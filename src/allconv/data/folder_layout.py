"""Which folders are the classes, and which of them are for training, validation and the test.

    FOLDER/CLASS/...            the classes, to be divided
    FOLDER/train/CLASS/...      and, where they are, val (valid, validation) and test beside it

Nothing is guessed where a folder can be read in both ways: it is refused with what would do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from allconv.data.formats import is_image_name
from allconv.data.listing import entries, subfolders
from allconv.errors import FileError
from allconv.text import counted, encodable, printable

TRAINING, VALIDATION, TEST = range(3)

_PARTS = {
    **dict.fromkeys(("train", "training"), TRAINING),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}


@dataclass(frozen=True)
class FolderLayout:
    """The names of the classes, their folders by part and label, and notes for the user.

    Labels count the sorted names. A name that is no UTF-8 has escapes in place of the bytes.
    """

    classes: tuple[str, ...]
    folders: dict[int, dict[int, Path]]
    notes: tuple[str, ...]


def find_layout(root: Path) -> FolderLayout:
    """The layout of a folder; FileError where there is none, or more than one."""
    notes: list[str] = []
    sources = _sources(root, notes)
    inside = {part: _by_name(folder, notes) for part, folder in sources.items()}
    names: dict[str, str] = {}
    for folders in inside.values():  # training first: its spelling is the name of the class
        for key, path in folders.items():
            names.setdefault(key, encodable(path.name))
    if not names:
        raise FileError(_without_folders(sources.get(TRAINING, root)))
    keys = sorted(names, key=lambda key: names[key])
    _check_whole(root, list(inside.values()))
    label = {key: k for k, key in enumerate(keys)}
    labelled = {
        part: {label[key]: path for key, path in sorted(folders.items())}
        for part, folders in inside.items()
    }
    return FolderLayout(tuple(names[key] for key in keys), labelled, tuple(notes))


def _sources(root: Path, notes: list[str]) -> dict[int, Path]:
    """The folder of each part that there is; the root itself where it is divided here."""
    folders = subfolders(root)
    marked = [path for path in folders if _part(path) is not None]
    others = [path for path in folders if _part(path) is None]
    if not marked:
        return {TRAINING: root}
    if others:
        for path in marked:
            _check_class(path, others)
            notes.append(f"the folder {_named(path)} is taken for a class, as others are beside it")
        return {TRAINING: root}
    sources: dict[int, Path] = {}
    for path in marked:
        part = _PARTS[path.name.lower()]
        if part in sources:
            raise FileError(
                f"{printable(root)} has both {sources[part].name} and {path.name}; keep one"
            )
        sources[part] = path
        for each in subfolders(path):
            if _part(each) in (VALIDATION, TEST):
                raise FileError(
                    f"{printable(path)} holds the folder {_named(each)}; parts lie beside each "
                    "other and hold the folders of the classes, so move or rename it"
                )
    if TRAINING not in sources:
        have = ", ".join(sorted(path.name.lower() for path in marked))
        raise FileError(f"{printable(root)} has {have} but no train folder")
    return dict(sorted(sources.items()))


def _check_class(path: Path, others: list[Path]) -> None:
    """Refuse a folder named as a part beside classes; only "train" may be a vehicle, say."""
    if _part(path) == TRAINING and not subfolders(path):
        return
    beside = ", ".join(_named(each) for each in others[:3]) + (" ..." if len(others) > 3 else "")
    root = path.parent
    raise FileError(
        f"{printable(root)} has the folder {_named(path)} beside {beside}: put the folders of the "
        f"classes into {printable(root / 'train')}, or rename {_named(path)} if it is a class"
    )


def _by_name(folder: Path, notes: list[str]) -> dict[str, Path]:
    """The class folders by name; what has one name in another spelling has the same key."""
    found: dict[str, Path] = {}
    seen: dict[str, Path] = {}
    for path in subfolders(folder):
        key = normalize("NFC", encodable(path.name))
        twin = seen.setdefault(printable(key), path)
        if twin is not path:
            raise FileError(
                f"{printable(folder)} has two folders that are both called {_named(path)} "
                f"({os.fsencode(twin.name)!r} and {os.fsencode(path.name)!r}); rename one"
            )
        found[key] = path
    folded: dict[str, str] = {}
    for key in found:
        twin_key = folded.setdefault(key.casefold(), key)
        if twin_key != key:
            notes.append(
                f"the classes '{printable(twin_key)}' and '{printable(key)}' differ in case only"
            )
    if found and (loose := _loose(folder)):
        notes.append(
            f"{counted(loose, 'image')} in {printable(folder)} itself, in no folder of a class, "
            "left out"
        )
    return found


def _check_whole(root: Path, parts: list[dict[str, Path]]) -> None:
    """Refuse classes that hold parts, and one folder that holds what was meant."""
    folders = [path for part in parts for path in part.values()]
    if len(folders) == 1 and len(subfolders(folders[0])) > 1:
        raise FileError(
            f"{printable(root)} has only one class, {_named(folders[0])}, which holds folders; "
            f"give {printable(folders[0])} if these are the classes"
        )
    for path in folders:
        for each in subfolders(path):
            if _part(each) in (VALIDATION, TEST):
                right = each.relative_to(path) / path.name
                raise FileError(
                    f"{printable(path)} holds the folder {_named(each)}; parts stand above "
                    f"classes, as {printable(right)} would"
                )


def _without_folders(folder: Path) -> str:
    loose = _loose(folder)
    images = f"{counted(loose, 'image')} but no folders"
    what = f"holds {images if loose else 'no folders of images'}"
    return f"{printable(folder)} {what}; put the images of each class into a folder with its name"


def _loose(folder: Path) -> int:
    """How many images lie in a folder itself."""
    return len(entries(folder, lambda path: is_image_name(path) and path.is_file()))


def _part(path: Path) -> int | None:
    return _PARTS.get(path.name.lower())


def _named(path: Path) -> str:
    return f"'{printable(path.name)}'"
