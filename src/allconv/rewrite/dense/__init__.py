"""Classifiers of one size of image as fully convolutional networks.

    1  reshape(image, (N, F))             -> nothing: the image is kept, all of it
    2  linear(all of an image)            -> correlation with a window as large as that image
    3  linear(linear(...))                -> correlation with a window of one cell
    4  pooling with a window of the image -> the same window, which moves by one cell
    5  a locally connected layer          -> its matrix, as a window as large as its input
    6  sums over all cells                -> correlation with ones
    7  sums over listed cells             -> a window as long as the axis, each channel's own
    8  anything else on all of an image   -> the same on the channels of a window that gathers it
    9  cells that no window reaches       -> a crop, so that sizes grow together on all paths
    10 a number of all of an image that   -> that of a window as large as that image around each
       is given back to its cells            cell, as far as the window fits; asked for by `means`
    11 channels in another order          -> the same order

Windows keep kernel, stride, dilation and padding. On an image that is t cells larger every value
has floor(t / stride so far) cells more, so that there are as many outputs as crops that fit.
Cases 5 and 8 multiply by zeros, so that a value that is not finite reaches all answers that see it.
"""

from __future__ import annotations

from dataclasses import dataclass

from allconv.graph import Graph
from allconv.operators.rules import Rules
from allconv.rewrite.dense.form import Densifier
from allconv.rewrite.dense.values import VALUES
from allconv.rewrite.dense.windows import WINDOWS


@dataclass(frozen=True)
class Densified:
    """The graph of a classifier for larger images.

    `keeps_order` says whether every sum is still added in the classifier's order, `spreads`
    whether case 10 was met.
    """

    graph: Graph
    keeps_order: bool
    spreads: bool


def densified(graph: Graph, *, windowed: bool = False) -> Densified:
    """The graph of a classifier, recorded for a batch of 1, with the cases above replaced; case 10
    if `windowed`."""
    rewriting = Densifier(graph, Rules(WINDOWS, VALUES), windowed=windowed)
    return Densified(rewriting.rewrite(), rewriting.keeps_order, rewriting.spreads)
