"""The lecture's first argument as a measurement: what weights that are shared save, and cost.

Networks that look at an image through one set of small windows, against one with a window a place
and one that connects everything with everything: trained alike, on the same images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from allconv.data import Dataset, Part
from allconv.errors import ArgumentError
from allconv.nn import networks
from allconv.nn.module import Module
from allconv.nn.tracing import trace_module
from allconv.operators.base import Spec
from allconv.train.callbacks import Callback
from allconv.train.evaluate import evaluate
from allconv.train.history import History
from allconv.train.loop import fit

SHIFT = 3
"""Pixels by which the test images are moved."""

PART = 10
"""The second training uses one in so many of the training images."""

Watch = Callable[[str], Sequence[Callback]]


@dataclass(frozen=True)
class ComparedNetwork:
    """How one network did.

    Accuracies are shares of the test images: as they are, moved by `SHIFT` pixels (the mean over
    left, right, up and down), and after training on one image of `PART`, in as many steps. Seconds
    are those of the first training, and so is `history`; `part_history` is of the other.
    """

    name: str
    parameters: int
    multiply_adds: int
    accuracy: float
    shifted_accuracy: float
    part_accuracy: float
    seconds: float
    history: History
    part_history: History


def compare_networks(
    data: Dataset,
    *,
    epochs: int,
    names: Sequence[str] | None = None,
    batch_size: int = 64,
    seed: int = 0,
    threads: int | None = None,
    watch: Watch = lambda title: (),
) -> Iterator[ComparedNetwork]:
    """Train networks of `nn.networks` on the same images, without augmentation.

    names: of the networks (None: the four small ones). watch: gives the callbacks of a training,
        by its title.
    ArgumentError where the data has no test part.

    >>> from allconv.data import load
    >>> data = load(samples=200)
    >>> [plain] = compare_networks(data, epochs=1, names=["plain"])
    >>> plain.parameters, plain.multiply_adds, plain.accuracy > 0.2
    (203530, 203264, True)
    """
    if data.test is None:
        raise ArgumentError(f"{data.report.source} has no test part; give one, or a share for it")
    chosen = tuple(networks.SMALL if names is None else names)
    return (
        _compared(name, data, data.test, epochs, batch_size, seed, threads, watch)
        for name in chosen
    )


def _compared(
    name: str,
    data: Dataset,
    test: Part,
    epochs: int,
    batch_size: int,
    seed: int,
    threads: int | None,
    watch: Watch,
) -> ComparedNetwork:
    def trained(title: str, data: Dataset, epochs: int) -> tuple[Module, History]:
        net = _built(name, data, seed)
        history = fit(
            net,
            data,
            epochs=epochs,
            batch_size=batch_size,
            augment=None,
            seed=seed,
            threads=threads,
            callbacks=watch(title),
        )
        return net, history

    def accuracy(net: Module, part: Part) -> float:
        return evaluate(net, part, preprocess=data.preprocess, threads=threads).accuracy

    begun = perf_counter()
    net, history = trained(name, data, epochs)
    seconds = perf_counter() - begun
    least = min(len(data.train), len(data.classes))
    few = data.with_samples(max(len(data.train) // PART, least), seed)
    other, part_history = trained(f"{name}, {len(few.train):,} images", few, epochs * PART)
    spec = Spec((1, *data.preprocess.shape))
    return ComparedNetwork(
        name=name,
        parameters=sum(array.size for array in net.parameters().values()),
        multiply_adds=trace_module(net, spec).graph.cost(),
        accuracy=accuracy(net, test),
        shifted_accuracy=float(np.mean([accuracy(net, part) for part in shifted(test, SHIFT)])),
        part_accuracy=accuracy(other, test),
        seconds=seconds,
        history=history,
        part_history=part_history,
    )


def _built(name: str, data: Dataset, seed: int) -> Module:
    kind = data.preprocess
    return networks.build(name, kind.channels, kind.size, len(data.classes)).initialize(seed)


def shifted(part: Part, pixels: int) -> Iterator[Part]:
    """A part moved left, right, up and down; the border is repeated."""
    _, height, width, _ = part.images.shape
    ends = (0, 0), (pixels, pixels), (pixels, pixels), (0, 0)
    padded = np.pad(part.images, ends, mode="edge")
    for top, left in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        rows = slice(pixels * (1 + top), pixels * (1 + top) + height)
        columns = slice(pixels * (1 + left), pixels * (1 + left) + width)
        yield Part(padded[:, rows, columns], part.labels, part.names)
