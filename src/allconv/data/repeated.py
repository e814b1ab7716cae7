"""Files that are there twice, byte by byte: in two classes, or in two parts of the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from allconv.errors import FileError
from allconv.files import open_file

_PIECE = 2**20


def find_repeated(paths: Sequence[Path]) -> list[list[int]]:
    """Groups, of two or more, of indices of files with equal content, in order.

    Only files of equal length are read. What cannot be read is not compared.
    """
    by_size: dict[int, list[int]] = defaultdict(list)
    for index, path in enumerate(paths):
        with suppress(OSError):
            by_size[path.stat().st_size].append(index)
    groups = []
    for candidates in by_size.values():
        by_content: dict[bytes, list[int]] = defaultdict(list)
        if len(candidates) > 1:
            for index in candidates:
                with suppress(OSError, FileError):
                    by_content[_digest(paths[index])].append(index)
        groups += [group for group in by_content.values() if len(group) > 1]
    return sorted(groups)


def _digest(path: Path) -> bytes:
    digest = blake2b(digest_size=20)
    with open_file(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.digest()
