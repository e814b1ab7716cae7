"""Long tables of layers, abridged: what works cell by cell joins the row before; then by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST_ROWS = 60
LONGEST_NAME = 36
LONGEST_KIND = 30
_SHOWN_KINDS = 3
_APART = re.compile(r"[/.]")


@dataclass(frozen=True)
class LayerRange:
    """One row as a table shows it: rows `first` to `last` of the layers, both included."""

    name: str
    kind: str
    first: int
    last: int

    @property
    def rows(self) -> slice:
        """The layers that it stands for."""
        return slice(self.first, self.last + 1)


def abridged(
    names: Sequence[str], kinds: Sequence[str], along: Sequence[bool], most: int = MOST_ROWS
) -> list[LayerRange]:
    """The lines of a table of about `most` rows, at most half as many again.

    `along` says of each layer that it works cell by cell on the one before. Such layers join it;
    where that is not enough, neighbours whose names begin alike are one line; where names say
    nothing, the middle is.
    """
    lines = [LayerRange(n, k, i, i) for i, (n, k) in enumerate(zip(names, kinds, strict=True))]
    if len(lines) <= most:
        return lines
    lines = _joined(lines, along)
    if len(lines) <= most:
        return lines
    deepest = max(len(_parts(line.name)) for line in lines)
    for depth in range(deepest - 1, 0, -1):
        shorter = _by_name(lines, kinds, depth)
        if len(shorter) <= most + most // 2:
            return shorter
        lines = shorter if len(shorter) < len(lines) else lines
    return _middle(lines, kinds, most)


def without_middle(text: str, longest: int) -> str:
    """A text of bounded length; of a longer one the beginning and the end."""
    if len(text) <= longest:
        return text
    end = (longest - 3) * 2 // 3
    return f"{text[: longest - 3 - end]}...{text[-end:]}"


def _joined(lines: Sequence[LayerRange], along: Sequence[bool]) -> list[LayerRange]:
    found: list[LayerRange] = []
    for line in lines:
        if found and along[line.first]:
            before = found[-1]
            found[-1] = replace(before, kind=f"{before.kind}, {line.kind}", last=line.last)
        else:
            found.append(line)
    return found


def _parts(name: str) -> list[str]:
    return _APART.split(name.strip("/."))


def _by_name(lines: Sequence[LayerRange], kinds: Sequence[str], depth: int) -> list[LayerRange]:
    """Neighbours whose names have the same first parts as one line."""
    found: list[LayerRange] = []
    beginning: list[str] = []
    for line in lines:
        parts = _parts(line.name)[:depth]
        if found and parts == beginning:
            begun = found[-1].first
            found[-1] = LayerRange(
                _prefix(line.name, depth), _counted(kinds, begun, line.last), begun, line.last
            )
        else:
            found.append(line)
        beginning = parts
    return found


def _prefix(name: str, depth: int) -> str:
    """The first parts of a name as they stand in it."""
    begin = len(name) - len(name.lstrip("/."))
    ends = [found.start() for found in _APART.finditer(name, begin)]
    return name[: ends[depth - 1]] if depth <= len(ends) else name


def _counted(kinds: Sequence[str], first: int, last: int) -> str:
    """Kinds of layers and how many of each, the most frequent first."""
    counts = Counter(kinds[first : last + 1]).most_common()
    told = [f"{kind} x {n}" if n > 1 else kind for kind, n in counts[:_SHOWN_KINDS]]
    return ", ".join([*told, "..."] if len(counts) > _SHOWN_KINDS else told)


def _middle(lines: Sequence[LayerRange], kinds: Sequence[str], most: int) -> list[LayerRange]:
    """The first and the last lines; what lies between is one."""
    end = most // 4
    head, tail = lines[: most - end - 1], lines[len(lines) - end :]
    first, last = head[-1].last + 1, tail[0].first - 1
    between = LayerRange(
        f"... {last - first + 1:,} layers", _counted(kinds, first, last), first, last
    )
    return [*head, between, *tail]
