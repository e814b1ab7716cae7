"""What speaks for a class: the gradient of its score, the last convolution, and covering parts.

saliency   by how much each pixel moves the score (Simonyan, Vedaldi and Zisserman 2014)
Grad-CAM   the channels of the last convolution, each weighted by the mean of the score's gradient,
           where they speak for the class (Selvaraju et al. 2017)
occlusion  how much of the probability is lost where a part of the image is covered (Zeiler and
           Fergus 2014)

All three are coarse, and prove nothing: they say where to look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allconv.engine.program import Program
from allconv.gradient import gradient
from allconv.graph import Graph, Node
from allconv.operators.base import Array, Spec
from allconv.operators.correlate import Correlate
from allconv.show.network.record import RunnableNetwork
from allconv.show.network.values import Progress, Scores, compute
from allconv.trace import current, trace
from allconv.train.evaluate import softmax
from allconv.value import Value

GRID = 7  # parts of a side that are covered, one after the other
SHARPEST = 99.0  # percentile above which a map is cut off


@dataclass(frozen=True)
class Evidence:
    """Maps 0 to 1 for the class of a number; None where there is nothing to show.

    `layer` is the number of the layer that Grad-CAM looks at; `most` the largest loss of
    probability that covering a part brings.
    """

    chosen: int
    saliency: Array | None
    cam: Array | None
    layer: int | None
    occlusion: Array | None
    most: float = 0.0


def evidence(
    run: RunnableNetwork, x: Array, scores: Scores, chosen: int, progress: Progress
) -> Evidence:
    """What speaks for a class in an image."""
    layer, value = last_convolution(run)
    progress("gradients", 0, GRID * GRID + 1)
    found = slopes(run, x, scores.value, chosen, value)
    cam = None
    if value is not None:
        (maps,) = compute(run, x, [value])
        cam = _cam(maps[0], found[1][0])
    drops = occlusion(run, x, scores, chosen, progress)
    most = float(np.abs(drops).max()) if drops is not None else 0.0
    covered = None if drops is None or most == 0 else np.maximum(drops, 0) / most
    return Evidence(chosen, _saliency(run, found[0]), cam, layer, covered, most)


def last_convolution(run: RunnableNetwork) -> tuple[int | None, Value | None]:
    """The last layer that is a convolution and gives more than one place; none: (None, None)."""
    for layer in reversed(run.network.layers):
        for node in reversed(layer.nodes):
            value = node.outputs[0]
            if is_convolution(node) and value.ndim == 4 and value.shape[2] * value.shape[3] > 1:
                return layer.number, value
    return None, None


def is_convolution(node: Node) -> bool:
    """Whether a node slides a kernel over an image."""
    return isinstance(node.operator, Correlate) and len(node.operator.window.axes) == 2


def slopes(
    run: RunnableNetwork, x: Array, result: Value, chosen: int, inside: Value | None
) -> tuple[Array, ...]:
    """The gradient of one score by the image, and by a value inside where one is given."""
    graph, arrays = run.recorded.graph, run.arrays
    hot = np.zeros(result.shape, result.dtype)
    hot.reshape(-1)[chosen] = 1
    # A gradient by a value inside is that by zeros which are added to it.
    bump = np.zeros(inside.shape if inside is not None else (), result.dtype)

    def score(x: Value, hot: Value, bump: Value, *state: Value) -> Value:
        builder = current()
        assert builder is not None  # noqa: S101 (it is called by `trace`)

        def bumped(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
            if inside is None or inside not in node.outputs:
                return None
            return (builder.apply(node.operator, *inputs) + bump,)

        here = builder.inline(part, (x, *state), bumped)
        picked = (here[result] * hot).sum()
        return picked if inside is not None else picked + bump

    part = Graph(graph.inputs, graph.nodes, (result,), graph.constants).pruned()
    operands = (x, hot, bump, *arrays)
    traced = trace(score, *map(Spec.of, operands)).graph
    return Program(gradient(traced, (0, 2)), exact=True)(*operands)


def _saliency(run: RunnableNetwork, slope: Array) -> Array | None:
    """The largest slope of the channels of each pixel, 0 to 1."""
    if slope.ndim != 4:
        return None
    axis = 3 if takes_channels_last(run) else 1
    return _unit(np.abs(slope[0]).max(axis - 1))


def takes_channels_last(run: RunnableNetwork) -> bool:
    """Whether the image is (N, H, W, C)."""
    shape = run.recorded.graph.inputs[0].shape
    return len(shape) == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3)


def _cam(maps: Array, slopes: Array) -> Array | None:
    """Channels (C, h, w) weighted by the means of their slopes, where that is above 0."""
    weights = slopes.astype(np.float64).mean((1, 2), keepdims=True)
    return _unit(np.maximum((weights * maps).sum(0), 0))


def _unit(values: Array) -> Array | None:
    """Numbers of at least 0 as shares of the largest ones; None where all are 0, or not finite."""
    if not np.isfinite(values).all() or not values.any():
        return None
    top = float(np.percentile(values, SHARPEST)) or float(values.max())
    return np.asarray(np.clip(values / top, 0, 1))


def occlusion(
    run: RunnableNetwork, x: Array, scores: Scores, chosen: int, progress: Progress
) -> Array | None:
    """How much of a probability is lost where each part of the image has its mean colour."""
    if x.ndim != 4:
        return None
    last = takes_channels_last(run)
    axes = (1, 2) if last else (2, 3)
    rows, columns = (
        np.linspace(0, x.shape[a], min(GRID, x.shape[a]) + 1).astype(int) for a in axes
    )
    mean = x.mean(axes, keepdims=True)
    graph = run.recorded.graph
    part = Graph(graph.inputs, graph.nodes, (scores.value,), graph.constants)
    program = Program(part, static=run.recorded.state_places)
    program.bind(dict(zip(run.recorded.state_places, run.arrays, strict=True)))
    drops = np.zeros((len(rows) - 1, len(columns) - 1))
    for i, j in np.ndindex(drops.shape):
        progress("covering parts of the image", 1 + i * drops.shape[1] + j, drops.size + 1)
        covered = x.copy()
        box = (slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1]))
        covered[(slice(None), *box) if last else (slice(None), slice(None), *box)] = mean
        (logits,) = program(covered)
        left = softmax(np.asarray(logits, np.float64).reshape(1, -1))[0, chosen]
        drops[i, j] = scores.probabilities[chosen] - left
    return drops if np.isfinite(drops).all() else None
