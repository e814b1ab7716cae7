"""The images that a network was tested on, with what it said of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from allconv.data import Part
from allconv.operators.base import Array
from allconv.picture.markup import element, joined
from allconv.show.report.album import Shot
from allconv.show.report.pieces import TAKEN, class_name, class_text, file_text, parted, percent
from allconv.train.evaluate import Evaluation

SHORT = 20  # letters of the name of a class or file below a picture

Indices = npt.NDArray[np.int64]


class Samples:
    """A part of the data, and what a network gives for it, in the same order.

    name: of the part, such as "test".
    """

    def __init__(
        self, part: Part, found: Evaluation, classes: Sequence[str], name: str = "test"
    ) -> None:
        self.part, self.found, self.classes, self.name = part, found, tuple(classes), name

    def __len__(self) -> int:
        return len(self.part)

    @cached_property
    def labels(self) -> Indices:
        """The true class of each."""
        return self.found.labels

    @cached_property
    def predicted(self) -> Indices:
        """The class that each is taken for."""
        return self.found.predicted

    @cached_property
    def sure(self) -> Array:
        """The probability that the network gives to the class it takes each for; NaN as 0."""
        chosen = np.take_along_axis(self.found.probabilities, self.predicted[:, None], 1)[:, 0]
        return np.asarray(np.nan_to_num(chosen))

    @cached_property
    def wrong(self) -> Indices:
        """Those taken for another class, the surest first: in the order of mistakes.csv."""
        return self.found.wrong

    @cached_property
    def unsure(self) -> Indices:
        """All, the least sure first."""
        return np.asarray(np.argsort(self.sure, kind="stable"), np.int64)

    def shot(self, number: int, *, brief: bool = False) -> Shot:
        """One of them as a picture, below it what is taken for what and how surely.

        `brief`: where the classes are known, the name of its file stands there instead of them.
        """
        true, taken = self.labels[number], self.predicted[number]
        is_right = bool(true == taken)
        share = percent(float(self.sure[number]))
        names = [self.classes[true]] if is_right else [self.classes[k] for k in (true, taken)]
        below = [parted([class_name(name, SHORT) for name in names])]
        if brief:
            file = None if self.part.names is None else self.part.names[number].rpartition("/")[2]
            below = [] if file is None else [element("bdi", file_text(file, SHORT))]
        return Shot(
            self.part.images[number],
            TAKEN.join(class_text(name, SHORT) for name in names),
            joined(*below, ", ", share) if below else share,
            self.file(number),
        )

    def file(self, number: int) -> str:
        """The name of its file, or its number."""
        names = self.part.names
        return f"image {number}" if names is None else file_text(names[number])
