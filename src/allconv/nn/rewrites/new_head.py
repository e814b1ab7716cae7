"""`ac.rewrite.new_head`: a classifier for other classes on what a network has learnt."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol, runtime_checkable

import numpy as np

from allconv import functional
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.graph import Graph, Node
from allconv.intake.settings import short_repr, whole
from allconv.nn.activations import Sigmoid, Softmax
from allconv.nn.arrange import Identity
from allconv.nn.correlate import Conv1d, Conv2d, Conv3d
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import Named
from allconv.nn.rewrites.exchange import put
from allconv.nn.rewrites.graph_module import GraphModule, rewritten
from allconv.operators.base import Array
from allconv.operators.correlate import Correlate
from allconv.random import check_seed
from allconv.rewrite.head import EXPECTED, NO_HEAD, last_layer, needed_nodes
from allconv.trace import current
from allconv.value import Value

CHANNELS = ("rgb", "bgr")
LAYOUTS = ("nchw", "nhwc")


@dataclass(frozen=True, eq=False)
class BaseAndHead:
    """A network without its head: `base` gives what the head took.

    weight (classes, F), bias (classes,) or None: those of the head. name: what the head is called.
    """

    base: Module
    weight: Array
    bias: Array | None
    name: str


@runtime_checkable
class HasHead(Protocol):
    """A network that is no tree of layers, and knows how to lose its head."""

    def _cut_head(self) -> BaseAndHead: ...


class Features(Module):
    """What a network without its head gives, as vectors: images (N, C, *I) -> (N, F).

    The mean of each channel where there is more than one cell. Normalisation and dropout are as in
    inference, in training, too. Images are RGB with the channels first; a network of another
    `layout` or order of `channels` is given them so.

    With `depths` what the layers below saw follows: the mean of each channel of what the last
    convolution at each size of image takes. The last layers know what their network was trained
    for, those below what images are made of (Evci et al. 2022, arXiv:2201.03529).
    """

    def __init__(
        self, base: Module, *, layout: str = "nchw", channels: str = "rgb", depths: bool = False
    ) -> None:
        self.base, self.layout, self.channels, self.depths = base, layout, channels, depths

    def forward(self, x: Any) -> Any:
        """See the class."""
        y = self.base.record(arranged(x, self.layout, self.channels), training=False)
        if not hasattr(y, "shape") or len(y.shape) < 2:
            raise ShapeError("the layers below the head do not give one array (N, F)")
        below = taken_below(y) if self.depths else []
        found = [_vectors(each) for each in (y, *below)]
        return functional.concatenate(found, 1) if below else found[0]


def _vectors(y: Any) -> Any:
    axes = tuple(range(2, len(y.shape)))
    return y.mean(axes) if axes else y


def taken_below(y: Value) -> list[Value]:
    """What the last convolution at each size takes (N, C, *I) on the way to y, the largest first.

    Images themselves are left out, and what has a single cell.
    """
    builder, needed = current(), {y}
    nodes = () if builder is None else tuple(builder.nodes)
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
    found: dict[tuple[int, ...], Value] = {}
    made: set[Value] = set()  # by convolutions, or of what they made
    for node in nodes:
        if not needed.intersection(node.outputs):
            continue
        is_conv = isinstance(node.operator, Correlate)
        if is_conv and node.inputs[0] in made:
            data = node.inputs[0]
            if data.shape[0] == y.shape[0] and prod(data.shape[2:]) > 1:
                found[data.shape[2:]] = data
        if is_conv or made.intersection(node.inputs):
            made.update(node.outputs)
    return sorted(found.values(), key=lambda value: -prod(value.shape[2:]))


class Arranged(Module):
    """A network in inference that is given images (N, C, H, W) in RGB, whatever it takes."""

    def __init__(self, net: Module, layout: str, channels: str) -> None:
        self.net, self.layout, self.channels = net, layout, channels

    def forward(self, x: Any) -> Any:
        """The result of the network."""
        return self.net.record(arranged(x, self.layout, self.channels))


def arranged(x: Any, layout: str, channels: str) -> Any:
    """Images (N, C, H, W) in RGB as a network wants them."""
    if channels == "bgr":
        x = functional.concatenate([x[:, n : n + 1] for n in reversed(range(x.shape[1]))], 1)
    return x.transpose((0, 2, 3, 1)) if layout == "nhwc" else x


def new_head(net: Module, classes: int, seed: int = 0) -> Module:
    """A copy of a classifier with another number of classes, whose last layer begins anew.

    The last layer with weights is replaced: a linear layer or a convolution 1x1, by one for
    `classes` with weights drawn by key (seed, name). A softmax or sigmoid behind it is left out, so
    that the network gives logits, which training takes. The layers below keep their weights.

    Of a network of layers the copy has the same structure; of a graph or file it is
    `base`, which gives (N, F), and `head`, a linear layer on that: a convolution 1x1 before a mean
    over the image is a linear layer behind it.

    UnsupportedError where there is no such layer, or more than one output.

    >>> from allconv import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    >>> print(new_head(net, 3)[3])
    Linear(144, 3)
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"net is {type(net).__name__}; a module is expected")
    count, seed = check_classes(classes), check_seed(seed)
    if isinstance(net, HasHead | GraphModule):
        found = cut_head(net)
        made: Module = Named(base=Features(found.base), head=Linear(found.weight.shape[1], count))
        name = "head"
    else:
        net.state_dict()  # draws what was not drawn, so that both have the same weights
        made = deepcopy(net)
        name, old = _layer(made)
        biased = old.bias is not None
        put(made, old, _like(old, count, biased))
        _drop_activation(made, name)
    for each, place in made.named_places().items():
        if each.rpartition(".")[0] == name:
            place.begin(seed, each)
    return made


def check_classes(classes: Any) -> int:
    """A number of classes that can be told apart."""
    count = whole("classes", classes, least=1)
    if count == 1:
        raise ArgumentError("classes is 1; a head tells at least 2 classes apart")
    return count


def cut_head(net: Module) -> BaseAndHead:
    """A network without its head; UnsupportedError where it has none, or several."""
    if isinstance(net, HasHead):
        found: BaseAndHead = net._cut_head()
        return found
    if isinstance(net, GraphModule):
        return _cut_graph(net)
    net.state_dict()
    copy = deepcopy(net)
    name, old = _layer(copy)
    put(copy, old, Identity())
    _drop_activation(copy, name)
    weight = np.asarray(old.weight)
    bias = None if old.bias is None else np.asarray(old.bias)
    return BaseAndHead(copy, weight.reshape(weight.shape[:2]), bias, name)


def _layer(net: Module) -> tuple[str, Any]:
    """The last layer with weights, by the order in which layers were defined."""
    held = [(name, module) for name, module in net.named_modules() if module._places()]
    if not held:
        raise UnsupportedError(f"{NO_HEAD}: no layer of it has weights; {EXPECTED}")
    name, layer = held[-1]
    if not name:
        raise UnsupportedError("the network is a layer itself; pass nn.Sequential(net)")
    is_conv = isinstance(layer, Conv1d | Conv2d | Conv3d)
    if is_conv and layer.weight.shape[2:] == (1,) * layer.axes and layer.groups == 1:
        return name, layer
    if not isinstance(layer, Linear):
        raise UnsupportedError(
            f"{NO_HEAD}: its last layer with weights is {name}, {repr(layer)[:80]}; {EXPECTED}"
        )
    return name, layer


def _like(old: Any, classes: int, biased: bool) -> Module:
    if isinstance(old, Linear):
        return Linear(old.in_features, classes, bias=biased)
    made: Module = type(old)(old.in_channels, classes, 1, old.stride, old.padding, bias=biased)
    return made


def _drop_activation(net: Module, head: str) -> None:
    """Leave out the softmax or sigmoid that stands behind the head as a layer of its own."""
    modules = list(net.named_modules())
    behind = [name for name, _ in modules].index(head) + 1
    for _, module in modules[behind:]:
        if isinstance(module, Softmax | Sigmoid):
            put(net, module, Identity())


def _cut_graph(net: GraphModule) -> BaseAndHead:
    """A graph without its head, which is a linear layer or a convolution 1x1 in it."""
    graph = net.graph
    node, held = _head(graph), dict(zip(graph.inputs[1:], net._names, strict=True))
    base = rewritten(net, net.input_shape, _below_head)
    state = net.state_dict()
    _, kernel, *added = node.inputs
    weight = state[held[kernel]]
    bias = state[held[added[0]]] if added and added[0] in held else None
    return BaseAndHead(base, weight.reshape(weight.shape[:2]), bias, node.path or held[kernel])


def _head(graph: Graph) -> Node:
    """The last node with weights, which the graph takes behind its data."""
    if len(graph.outputs) != 1:
        raise UnsupportedError(two_heads([f"output {n}" for n in range(len(graph.outputs))]))
    data, *held = graph.inputs
    node, _ = last_layer(graph.nodes, data, held, graph.outputs[0])
    operator = node.operator
    plain = isinstance(operator, Correlate) and operator.groups == 1
    if not plain or any(n != 1 for n in node.inputs[1].shape[2:]) or node.inputs[1] not in held:
        raise UnsupportedError(
            f"{NO_HEAD}: its last layer with weights is {node.path or operator.name}; {EXPECTED}"
        )
    return node


def _below_head(graph: Graph) -> Graph:
    """The graph up to what its head takes."""
    taken = _head(graph).inputs[0]
    return replace(graph, nodes=needed_nodes(graph.nodes, taken), outputs=(taken,)).pruned()


def two_heads(outputs: list[str]) -> str:
    """What is said of a network with several outputs."""
    return (
        f"the network has {len(outputs)} heads, {short_repr(outputs)}; one output is expected: "
        "cut the others off"
    )
