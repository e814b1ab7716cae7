"""What was found in the data, said before training: a plain value with plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allconv.text import counted, printable

UNEVEN = 3
"""Largest over smallest class from which the classes are called uneven."""

FEW = 5
"""Training images below which a class is called too small."""

_CLASSES_SHOWN = 40
_FILES_SHOWN = 20


def count_classes(labels: npt.NDArray[np.int64], classes: tuple[str, ...]) -> tuple[int, ...]:
    """How many samples each class has."""
    return tuple(np.bincount(labels, minlength=len(classes)).tolist())


@dataclass(frozen=True)
class Report:
    """Counts per part and class, sizes, what was left out and why.

    `counts["training"][k]` is the number of training images of `classes[k]`; so for "validation"
    and "test". `smallest` and `largest` are the least and greatest (height, width) of the files.
    `notes` are sentences on folders and files that may not be what they seem.
    """

    source: str
    classes: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    smallest: tuple[int, int]
    largest: tuple[int, int]
    image_size: tuple[int, int]
    channels: int
    reason: str
    unreadable: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def warnings(self) -> list[str]:
        """Sentences about the folders and files, and about uneven and too small classes."""
        training = self.counts["training"]
        least, most = min(training), max(training)
        found = list(self.notes)
        if most > UNEVEN * least:
            found.append(
                f"the classes are uneven: {self._named(training.index(most))} has {most} "
                f"training images, {self._named(training.index(least))} has {least}; "
                "rare classes will be recognised less well"
            )
        small = [f"{self._named(k)} has {n}" for k, n in enumerate(training) if n < FEW]
        if small:
            found.append(f"fewer than {FEW} training images: {some(small)}; add some")
        return found

    def _named(self, label: int) -> str:
        return f"'{printable(self.classes[label])}'"

    def lines(self) -> list[str]:
        """The report as lines of plain text."""
        total = ", ".join(f"{sum(counts):,} {part}" for part, counts in self.counts.items())
        lines = [f"{printable(self.source)}: {len(self.classes)} classes; images: {total}"]
        lines += self._table()
        (low_height, low_width), (high_height, high_width) = self.smallest, self.largest
        found = f"{low_width} x {low_height}"
        if self.smallest != self.largest:
            found += f" to {high_width} x {high_height}"
        height, width = self.image_size
        kind = "grey" if self.channels == 1 else "colour"
        lines.append(f"found {found} pixels; used as {width} x {height} {kind}: {self.reason}")
        if self.unreadable:
            lines.append(f"{counted(len(self.unreadable), 'file')} left out, as unreadable:")
            lines += [
                f"  {printable(name)}: {printable(why)}"
                for name, why in self.unreadable[:_FILES_SHOWN]
            ]
            if len(self.unreadable) > _FILES_SHOWN:
                lines.append(f"  ... and {len(self.unreadable) - _FILES_SHOWN} more")
        if self.ignored:
            names = some([printable(name) for name in self.ignored])
            lines.append(f"{counted(len(self.ignored), 'file')} ignored, no images: {names}")
        return lines + [f"warning: {sentence}" for sentence in self.warnings()]

    def _table(self) -> list[str]:
        shown = [printable(name) for name in self.classes[:_CLASSES_SHOWN]]
        width = max(len(name) for name in ("class", *shown))
        rows = [f"  {'class':<{width}}" + "".join(f"{part:>12}" for part in self.counts)]
        for k, name in enumerate(shown):
            numbers = "".join(f"{counts[k]:>12,}" for counts in self.counts.values())
            rows.append(f"  {name:<{width}}{numbers}")
        if len(self.classes) > len(shown):
            rows.append(f"  ... and {len(self.classes) - len(shown)} more classes")
        return rows


def some(names: Sequence[str], limit: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
