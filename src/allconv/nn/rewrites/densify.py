"""`ac.rewrite.densify`: a classifier that runs on images larger than those it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from allconv.analysis.fields import Field
from allconv.analysis.padding_reach import padding_reach
from allconv.analysis.receptive import receptive_fields
from allconv.errors import ArgumentError, LimitError, ShapeError, UnsupportedError
from allconv.functional.call import take_float
from allconv.graph import Graph
from allconv.intake.settings import short_repr
from allconv.nn.module import Module
from allconv.nn.rewrites.graph_module import GraphModule, record_network
from allconv.operators.base import Array
from allconv.rewrite.channels_first import channels_first, takes_channels_last
from allconv.rewrite.dense import densified
from allconv.rewrite.fold_constants import fold_constants
from allconv.trace import Recorded
from allconv.window import Axis

BATCH = 64  # crops that are computed at once
MOST_BATCH = 1024  # of a network that takes so many images and no other number


class DenseNetwork(GraphModule):
    """A classifier as a fully convolutional network: x (N, C, *I) -> (N, classes, *P).

    A network of several heads gives a tuple of such maps.

    Output cell i is the classifier's answer for the crop of size `crop` that begins at
    `step * i`; there are P = floor((I - crop) / step) + 1. `sees_padding` says, an axis each, for
    the low and the high end, whether an answer depends on padding there: where it does not, the
    answer is that for the crop, in exact programs bit by bit if the network `keeps_order`. Where it
    does, a crop inside a larger image has neighbours instead of padding, and the answer differs
    (`differing` says where). A classifier of images (N, *I, C), as TensorFlow's are, has become one
    of images (N, C, *I): `channels_last` says so. `means` says "window" where numbers of all of an
    image, given back to its cells, are taken over windows (see `densify`): then every answer may
    differ from that for its crop, unless the image is one.
    """

    def __init__(
        self,
        graph: Graph,
        arrays: Mapping[str, Array],
        buffers: Collection[str] = (),
        *,
        keeps_order: bool = True,
        channels_last: bool = False,
        means: str | None = None,
    ) -> None:
        super().__init__(graph, arrays, buffers)
        self.channels_last = channels_last
        self.keeps_order = keeps_order
        self.means = means
        self.crop = self.input_shape[2:]
        self.step = _steps(self.graph)
        heads = zip(*padding_reach(self.graph), strict=True)
        self.sees_padding = tuple(
            (any(each.low.any() for each in axis), any(each.high.any() for each in axis))
            for axis in heads
        )

    def _settings(self) -> Iterator[str]:
        means = "" if self.means is None else f", means={self.means!r}"
        yield f"crop={self.crop}, step={self.step}, is_exact={self.is_exact}{means}"

    @property
    def is_exact(self) -> bool:
        """Whether all answers are those for their crops, bit by bit, in exact programs.

        Not where padding is seen, nor where sums are added in another order: locally connected
        layers, sums over all cells, and what stands between flattening and a linear layer.
        """
        return self.keeps_order and not any(map(any, self.sees_padding))

    def check_input(self, x: Any) -> None:
        """Refuse images that are smaller than a crop."""
        super().check_input(x)
        if any(n < c for n, c in zip(x.shape[2:], self.crop, strict=True)):
            raise ShapeError(f"x is {x.shape}; images of at least {self.crop} are expected")

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        """How many answers there are along each axis for images of a size."""
        rows = zip(size, self.crop, self.step, strict=True)
        return tuple(Axis(n, crop, 1, step).fitting(0, 0) for n, crop, step in rows)

    def differing(self, size: Sequence[int]) -> Array:
        """bool (*P): the answers that may differ from those for the crops alone."""
        out = self.output_size(size)
        result = np.zeros(out, bool)
        if self.means is not None and tuple(size) != self.crop:
            return ~result
        for axis, (low, high) in enumerate(self.sees_padding):
            start = np.arange(out[axis]) * self.step[axis]
            inner = (low & (start > 0)) | (high & (start + self.crop[axis] < size[axis]))
            result |= inner.reshape([-1 if a == axis else 1 for a in range(len(out))])
        return result

    def crops(self, size: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """The index of each answer with the cells of its crop, in row-major order."""
        for index in product(*map(range, self.output_size(size))):
            starts = [s * i for s, i in zip(self.step, index, strict=True)]
            yield index, tuple(slice(a, a + c) for a, c in zip(starts, self.crop, strict=True))

    def compare(self, net: Callable[[Any], Any], x: Any) -> Any:
        """The map of images x (N, C, *I) beside what `net` says of their crops, one by one.

        A `DenseComparison`, or of several heads a tuple of them.
        """
        x = take_float("x", x)
        dense = self(x)
        maps = dense if isinstance(dense, tuple) else (dense,)
        places = [cells for _, cells in self.crops(x.shape[2:])]
        single = [np.empty_like(each).reshape(*each.shape[:2], -1) for each in maps]
        batch = getattr(net, "fixed_batch", None)
        if (batch or 0) > MOST_BATCH:
            raise LimitError(
                f"the network takes {batch:,} images at once; at most {MOST_BATCH:,} are supported"
            )
        for n, image in enumerate(x):
            for start in range(0, len(places), batch or BATCH):
                some = places[start : start + (batch or BATCH)]
                parts = [image[(slice(None), *cells)] for cells in some]
                parts += parts[-1:] * ((batch or 0) - len(some))  # as many as it takes
                stacked = np.stack(parts)
                answers = net(np.moveaxis(stacked, 1, -1) if self.channels_last else stacked)
                heads = answers if isinstance(answers, tuple) else (answers,)
                for row, head in zip(single, heads, strict=True):
                    end = start + len(some)
                    row[n, :, start:end] = head.reshape(len(parts), -1)[: len(some)].T
        differing = self.differing(x.shape[2:])
        rows = zip(maps, single, strict=True)
        found = tuple(DenseComparison(a, b.reshape(a.shape), differing) for a, b in rows)
        return found if isinstance(dense, tuple) else found[0]


@dataclass(frozen=True, eq=False)
class DenseComparison:
    """A dense map (N, classes, *P) beside the answers for its crops, and which may differ (*P)."""

    dense: Array
    crops: Array
    differing: Array

    @property
    def difference(self) -> Array:
        """(*P): the largest difference of each answer, over images and classes."""
        return np.asarray(np.abs(self.dense - self.crops).max((0, 1), initial=0.0))

    @property
    def largest(self) -> float:
        """The largest difference of all."""
        return float(self.difference.max(initial=0.0))

    def __str__(self) -> str:
        count, cells = int(self.differing.sum()), self.differing.size
        if not count:
            return f"{cells:,} answers, none sees padding; largest difference {self.largest:.3g}"
        inside = self.difference[~self.differing].max(initial=0.0)
        return (
            f"{cells:,} answers, {count:,} see neighbours where a crop has padding; largest "
            f"difference {self.largest:.3g} among these, {inside:.3g} among the others"
        )


def densify(
    net: Module | Graph | Callable[..., Any],
    input_shape: Sequence[int] | None = None,
    *,
    means: str | None = None,
) -> DenseNetwork:
    """A classifier as a fully convolutional network on the same weights.

    input_shape   of the images that it was trained on, (N, C, *I), or (N, *I, C) where the network
                  begins by moving the channels to the front; a graph has its own
    means         "window": numbers that the network computes of all of an image and gives back to
                  its cells are computed of a window of the training extent around each cell

    Linear layers on all of an image become windows as large as that image; pooling over all of it
    becomes the same window, moved by a cell; batch normalisation and dropout are as in inference.
    Parameters keep names and numbers; those of linear layers are kernels (O, C, *K). A network that
    takes a fixed number of images takes any number afterwards. Several heads give several maps.

    Squeeze-and-excitation multiplies the cells of a map by numbers made of its means, so an answer
    inside a larger image would need means of its own for every crop. With `means="window"` cell i
    of an axis, where the classifier's map has n cells and the larger one N, takes the mean of the
    n cells from min(max(i - n // 2, 0), N - n) on: those around it, as far as they fit. Maxima and
    whatever else is made of all cells (CBAM, say) likewise. On an image of the training size this
    is the classifier itself; on a larger one answers are those for crops only nearly.

    UnsupportedError names the layer that cannot slide.

    >>> import numpy as np
    >>> from allconv import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 6 * 6, 10))
    >>> dense = densify(net, (1, 1, 8, 8))
    >>> x = np.random.default_rng(0).standard_normal((1, 1, 20, 30)).astype(np.float32)
    >>> dense(x).shape
    (1, 10, 13, 23)
    >>> print(dense.compare(net, x))
    299 answers, none sees padding; largest difference 0

    Source: Long, Shelhamer and Darrell 2015, arXiv:1411.4038, section 3.1.
    """
    if means not in (None, "window"):
        raise ArgumentError(f'means is {short_repr(means)}; None or "window" is expected')
    recorded, arrays = _of_one_image(net, input_shape)
    last = takes_channels_last(recorded.graph)
    first = channels_first(recorded.graph) if last else recorded.graph
    dense = densified(first, windowed=means is not None)
    folded, held = fold_constants(replace(recorded, graph=dense.graph), arrays)
    return DenseNetwork(
        folded.network.graph,
        held,
        folded.network.buffers,
        keeps_order=dense.keeps_order,
        channels_last=last,
        means=means if dense.spreads else None,
    )


def _of_one_image(
    net: Module | Graph | Callable[..., Any], input_shape: Sequence[int] | None
) -> tuple[Recorded, Mapping[str, Array]]:
    """The network for one image, and its arrays; of a network that takes some number of images
    only, it is recorded for these, then for one."""
    batch = getattr(net, "fixed_batch", None)
    if not isinstance(input_shape, tuple | list) or not input_shape:
        return record_network(net, input_shape)
    one = (1, *input_shape[1:])
    if batch in (None, 1):
        return record_network(net, one)
    recorded, arrays = record_network(net, (batch, *one[1:]))
    return record_network(GraphModule(recorded.graph, arrays, recorded.buffers), one)


def _steps(graph: Graph) -> tuple[int, ...]:
    """How far apart the crops of neighbouring answers lie, which is the same for all heads."""
    fields = receptive_fields(graph)
    steps = {_step(graph, fields.get(value, ())) for value in graph.outputs}
    if len(steps) > 1:
        listed = " and ".join(map(str, sorted(steps)))
        raise UnsupportedError(f"heads move over the image at different steps: {listed}")
    return steps.pop()


def _step(graph: Graph, field: Field) -> tuple[int, ...]:
    """That of one head."""
    rank = len(graph.inputs[0].shape)
    moves = [reach.along == axis for axis, reach in enumerate(field, 2)]
    whole = all(reach.stride.denominator == 1 for reach in field)
    if len(field) != rank - 2 or not all(moves) or not whole:
        raise UnsupportedError(
            "a network that enlarges its image, or whose paths move over it at different steps, "
            "cannot become dense"
        )
    return tuple(int(reach.stride) for reach in field)
