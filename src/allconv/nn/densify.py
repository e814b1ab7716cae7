"""`ac.rewrite.densify`: a classifier that runs on images larger than those it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from allconv.analysis.padding_reach import padding_reach
from allconv.analysis.receptive import receptive_fields
from allconv.errors import ShapeError, UnsupportedError
from allconv.functional.call import take_float
from allconv.graph import Graph
from allconv.nn.graph_module import GraphModule, record_network
from allconv.nn.module import Module
from allconv.operators.base import Array
from allconv.rewrite.channels_first import channels_first, takes_channels_last
from allconv.rewrite.dense import densified
from allconv.rewrite.fold_constants import fold_constants

BATCH = 64  # crops that are computed at once


class DenseNetwork(GraphModule):
    """A classifier as a fully convolutional network: x (N, C, *I) -> (N, classes, *P).

    Output cell i is the classifier's answer for the crop of size `crop` that begins at
    `step * i`; there are P = floor((I - crop) / step) + 1. `sees_padding` says, an axis each, for
    the low and the high end, whether an answer depends on padding there: where it does not, the
    answer is that for the crop, in exact programs bit by bit if the network `keeps_order`. Where it
    does, a crop inside a larger image has neighbours instead of padding, and the answer differs
    (`differing` says where). A classifier of images (N, *I, C), as TensorFlow's are, has become one
    of images (N, C, *I): `channels_last` says so.
    """

    def __init__(
        self,
        graph: Graph,
        arrays: Mapping[str, Array],
        buffers: Collection[str] = (),
        *,
        keeps_order: bool = True,
        channels_last: bool = False,
    ) -> None:
        super().__init__(graph, arrays, buffers)
        self.channels_last = channels_last
        self.keeps_order = keeps_order
        self.crop = self.input_shape[2:]
        self.step = _steps(self.graph)
        (seen,) = padding_reach(self.graph)
        self.sees_padding = tuple((bool(each.low.any()), bool(each.high.any())) for each in seen)

    def _settings(self) -> Iterator[str]:
        yield f"crop={self.crop}, step={self.step}, is_exact={self.is_exact}"

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
        return tuple((n - crop) // step + 1 for n, crop, step in rows)

    def differing(self, size: Sequence[int]) -> Array:
        """bool (*P): the answers that may differ from those for the crops alone."""
        out = self.output_size(size)
        result = np.zeros(out, bool)
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

    def compare(self, net: Callable[[Any], Any], x: Any) -> Comparison:
        """The map of images x (N, C, *I) beside what `net` says of their crops, one by one."""
        x = take_float("x", x)
        dense = self(x)
        places = [cells for _, cells in self.crops(x.shape[2:])]
        single = np.empty_like(dense).reshape(*dense.shape[:2], -1)
        for n, image in enumerate(x):
            for start in range(0, len(places), BATCH):
                some = places[start : start + BATCH]
                parts = np.stack([image[(slice(None), *cells)] for cells in some])
                answers = net(np.moveaxis(parts, 1, -1) if self.channels_last else parts)
                single[n, :, start : start + len(some)] = answers.reshape(len(some), -1).T
        return Comparison(dense, single.reshape(dense.shape), self.differing(x.shape[2:]))


@dataclass(frozen=True, eq=False)
class Comparison:
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
    net: Module | Graph | Callable[..., Any], input_shape: Sequence[int] | None = None
) -> DenseNetwork:
    """A classifier as a fully convolutional network on the same weights.

    input_shape   of the images that it was trained on, (1, C, *I), or (1, *I, C) where the network
                  begins by moving the channels to the front; a graph has its own

    Linear layers on all of an image become windows as large as that image; pooling over all of it
    becomes the same window, moved by a cell; batch normalisation and dropout are as in inference.
    Parameters keep names and numbers; those of linear layers are kernels (O, C, *K).

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
    one = input_shape
    if isinstance(one, tuple | list) and one:
        one = (1, *one[1:])
    recorded, arrays = record_network(net, one)
    last = takes_channels_last(recorded.graph)
    first = channels_first(recorded.graph) if last else recorded.graph
    graph, keeps_order = densified(first)
    folded, held = fold_constants(replace(recorded, graph=graph), arrays)
    return DenseNetwork(
        folded.graph, held, folded.buffers, keeps_order=keeps_order, channels_last=last
    )


def _steps(graph: Graph) -> tuple[int, ...]:
    """How far apart the crops of neighbouring answers lie."""
    field = receptive_fields(graph).get(graph.outputs[0], ())
    rank = len(graph.inputs[0].shape)
    moves = [reach.along == axis for axis, reach in enumerate(field, 2)]
    whole = all(reach.stride.denominator == 1 for reach in field)
    if len(field) != rank - 2 or not all(moves) or not whole:
        raise UnsupportedError(
            "a network that enlarges its image, or whose paths move over it at different steps, "
            "cannot become dense"
        )
    return tuple(int(reach.stride) for reach in field)
