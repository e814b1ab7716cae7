"""What training is given: labelled images in parts, and how they become numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from allconv.data.augment import Augment
from allconv.data.images import Pixels, are_pixels, kind_of_array
from allconv.data.labels import check_names
from allconv.data.preprocess import Preprocess
from allconv.data.report import Report, count_classes
from allconv.data.split import sample
from allconv.errors import ArgumentError, ShapeError


@dataclass(frozen=True, eq=False)
class Part:
    """Images uint8 (N, H, W, C), labels int64 (N,) and, where they were files, their names."""

    images: Pixels
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if not are_pixels(images):
            raise ShapeError(f"images must be uint8 (N, H, W, C), got {kind_of_array(images)}")
        is_array = isinstance(labels, np.ndarray)
        if not is_array or labels.shape != images.shape[:1] or labels.dtype != np.int64:
            raise ShapeError(
                f"labels must be int64 ({images.shape[0]},), one for each image, "
                f"got {kind_of_array(labels)}"
            )
        if self.names is not None and len(self.names) != len(labels):
            raise ShapeError(f"{len(labels)} images have {len(self.names)} names")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.ArrayLike) -> Self:
        """The part with these samples, in this order."""
        chosen = np.asarray(indices, np.int64)
        names = None if self.names is None else tuple(self.names[i] for i in chosen.tolist())
        return replace(self, images=self.images[chosen], labels=self.labels[chosen], names=names)

    def subset(self, count: int, seed: int = 0) -> Self:
        """`count` of the samples, each class by its share; all of them where there are not more."""
        chosen = sample(self.labels, count, seed)
        return self if len(chosen) == len(self) else self.take(chosen)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Parts for training, for choosing the best epoch and, where there is one, for the last test.

    Label k in any part means `classes[k]`. `augment` is what suits the kind of images by default.
    """

    train: Part
    validation: Part
    test: Part | None
    classes: tuple[str, ...]
    preprocess: Preprocess
    report: Report
    augment: Augment

    def __post_init__(self) -> None:
        check_names(self.classes)
        expected = (*self.preprocess.size, self.preprocess.channels)
        for part in self.parts().values():
            if part.images.shape[1:] != expected:
                got = part.images.shape[1:]
                raise ShapeError(f"images are {got}, the preprocessing is for {expected}")
            if len(part) and not 0 <= part.labels.min() <= part.labels.max() < len(self.classes):
                raise ArgumentError(f"labels must be in [0, {len(self.classes)}), the classes")

    def parts(self) -> dict[str, Part]:
        """The parts there are, by the names that reports use."""
        named = {"training": self.train, "validation": self.validation}
        return named if self.test is None else {**named, "test": self.test}

    def with_samples(self, count: int, seed: int = 0) -> Self:
        """The same data with `count` training images, each class by its share."""
        train = self.train.subset(count, seed)
        if train is self.train:
            return self
        counts = {**self.report.counts, "training": count_classes(train.labels, self.classes)}
        return replace(self, train=train, report=replace(self.report, counts=counts))
