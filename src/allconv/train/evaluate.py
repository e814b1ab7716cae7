"""How well a network does on labelled samples, and where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from allconv.data.batches import prefetch
from allconv.data.preprocess import Preprocess
from allconv.errors import ShapeError
from allconv.nn.module import Module
from allconv.operators.base import Array
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.train.feed import Feed, feed_of
from allconv.train.inference import Inference
from allconv.train.step import check_range

BATCH = 256


class Confusion(NamedTuple):
    """How many `times` samples of class `true` were taken for class `predicted`."""

    true: int
    predicted: int
    times: int


class Mistake(NamedTuple):
    """A sample that was taken for another class; `name` is its file, or its index as text."""

    name: str
    true: int
    predicted: int
    probability: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Logits float64 (N, classes) of samples, with their labels int64 (N,)."""

    logits: Array
    labels: npt.NDArray[np.int64]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The likeliest class of each sample; the first of equals."""
        return np.asarray(self.logits.argmax(1), np.int64)

    @property
    def probabilities(self) -> Array:
        """softmax(logits): (N, classes)."""
        return softmax(self.logits)

    @property
    def loss(self) -> float:
        """The mean cross-entropy."""
        (logs,) = LogSoftmax(1).define(self.logits)
        return float(-np.take_along_axis(logs, self.labels[:, None], 1).mean())

    @property
    def accuracy(self) -> float:
        """The share of samples that are predicted right."""
        return float((self.predicted == self.labels).mean())

    def class_accuracies(self) -> list[float]:
        """The share that is right of each class; NaN for a class without samples."""
        classes = self.logits.shape[1]
        total = np.bincount(self.labels, minlength=classes)
        right = np.bincount(self.labels[self.predicted == self.labels], minlength=classes)
        return [int(r) / int(t) if t else float("nan") for r, t in zip(right, total, strict=True)]

    def confusions(self, count: int = 3) -> list[Confusion]:
        """The pairs of classes that are confused most often, most frequent first."""
        classes = self.logits.shape[1]
        wrong = self.predicted != self.labels
        pairs = self.labels[wrong] * classes + self.predicted[wrong]
        codes, counts = np.unique(pairs, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:count]
        return [
            Confusion(int(code) // classes, int(code) % classes, int(n))
            for code, n in zip(codes[order], counts[order], strict=True)
        ]

    @property
    def wrong(self) -> npt.NDArray[np.int64]:
        """The indices of the samples predicted wrong, those the network is surest of first."""
        predicted = self.predicted
        wrong = np.flatnonzero(predicted != self.labels)
        sure = self.probabilities[wrong, predicted[wrong]]
        return np.asarray(wrong[np.argsort(-sure, kind="stable")], np.int64)

    def mistakes(self, names: Sequence[str] | None = None) -> list[Mistake]:
        """The samples that are predicted wrong, in the order of `wrong`."""
        predicted, probabilities = self.predicted, self.probabilities
        return [
            Mistake(
                str(n) if names is None else names[n],
                int(self.labels[n]),
                int(predicted[n]),
                float(probabilities[n, predicted[n]]),
            )
            for n in self.wrong.tolist()
        ]


def evaluate(
    net: Module,
    data: Any,
    *,
    preprocess: Preprocess | None = None,
    batch_size: int = BATCH,
    threads: int | None = None,
) -> Evaluation:
    """What a network gives for a part or arrays (x, y), beside the labels.

    `preprocess` is that of the training (`Dataset.preprocess`), needed for a part and for uint8
    images; floats are given to the network as they are.
    """
    inference = Inference(net, threads=threads)
    feed = feed_of(data, inference.dtype, preprocess)
    return evaluated(inference, feed, batch_size)


def evaluated(inference: Inference, feed: Feed, batch_size: int = BATCH) -> Evaluation:
    """Run a network on all samples of a feed, in order. Labels of (N, *S) count one by one."""
    found = []
    with closing(prefetch(feed.in_order(batch_size))) as ready:
        for x, _ in ready:
            found.append(inference(x).astype(np.float64))
    logits = np.moveaxis(np.concatenate(found), 1, -1)
    if feed.labels.shape != logits.shape[:-1]:
        raise ShapeError(f"labels are {feed.labels.shape}; {logits.shape[:-1]} is expected")
    logits, labels = logits.reshape(-1, logits.shape[-1]), feed.labels.reshape(-1)
    check_range(labels, logits.shape[1])
    return Evaluation(logits, labels)


def softmax(logits: Array) -> Array:
    """Probabilities float64 (N, classes); NaN where a logit is NaN or infinite."""
    (probabilities,) = Softmax(1).define(logits)
    return probabilities


def interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of the share `right` / `count`, by Wilson's formula.

    >>> [round(end, 3) for end in interval(9, 10)], interval(0, 10)[0]
    ([0.596, 0.982], 0.0)
    """
    z, share = 1.96, right / count
    middle = share + z * z / (2 * count)
    spread = z * (share * (1 - share) / count + (z / (2 * count)) ** 2) ** 0.5
    whole = 1 + z * z / count
    return max((middle - spread) / whole, 0.0), min((middle + spread) / whole, 1.0)
