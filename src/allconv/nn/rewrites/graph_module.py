"""A graph as a network: parameters under their names, recorded anew for every size of input.

Every network is recorded by its `forward`, for one shape at a time; what a graph becomes for
another shape follows from where it came from:

    GraphModule   a graph alone: its windows slide over all that there is (`rewrite.resize`)
    Rewritten     the network that was rewritten is recorded, and rewritten, again
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from allconv import trace
from allconv.errors import ArgumentError, ShapeError, TraceError
from allconv.functional.call import take_float
from allconv.graph import Graph
from allconv.intake.limits import check_size
from allconv.intake.settings import short_repr, whole
from allconv.nn.module import Module
from allconv.nn.parameter import Buffer, Parameter
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Array, Spec
from allconv.rewrite.fold_constants import Folded, fold_constants, fold_graph
from allconv.rewrite.resize import resized
from allconv.trace import Recorded
from allconv.value import Value


class GraphModule(Module):
    """A network that a graph describes: called, compiled, trained and saved as any module.

    The graph takes one array and then `arrays`, which become parameters (`buffers` names those
    that training leaves alone). It was recorded in inference for one shape; for another batch, or
    for larger images where its operators can slide, `graph_for` gives it anew.
    """

    def __init__(
        self, graph: Graph, arrays: Mapping[str, Array], buffers: Collection[str] = ()
    ) -> None:
        self.graph = graph
        for name, array in arrays.items():
            self._places()[name] = (Buffer if name in buffers else Parameter)(array)
        self._names = tuple(arrays)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape that the graph was recorded for."""
        return self.graph.inputs[0].shape

    def forward(self, x: Any) -> Any:
        """The outputs of the graph; a tuple of several."""
        builder = trace.current()
        if builder is None:
            raise TraceError("a graph is recorded inside a trace; call the network")
        x = take_float("x", x)
        self.check_input(x)
        graph = self.graph if x.shape == self.input_shape else self.graph_for(x.shape)
        constants = {
            value: array.astype(x.dtype) if value.spec.is_float else array
            for value, array in graph.constants.items()
        }
        operands = [x, *(Module.__getattr__(self, name) for name in self._names)]
        here = builder.inline(replace(graph, constants=constants), operands)
        outputs = tuple(here[value] for value in graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def graph_for(self, shape: tuple[int, ...]) -> Graph:
        """The graph for an input of another shape, on the same arrays."""
        return resized(self.graph, shape)

    def check_input(self, x: Any) -> None:
        """Refuse an array of another rank or with other channels than the graph takes."""
        expected = self.input_shape
        if len(x.shape) != len(expected) or x.shape[1:2] != expected[1:2]:
            sizes = ", ".join(("N", *map(str, expected[1:])))
            raise ShapeError(f"x is {x.shape}; ({sizes}) is expected")

    def _settings(self) -> Iterator[str]:
        shapes = [self.input_shape, *(value.shape for value in self.graph.outputs)]
        yield " -> ".join(map(str, shapes))

    def __deepcopy__(self, memo: dict[int, Any]) -> Module:
        memo[id(self.graph)] = self.graph  # nothing in it is ever written
        return super().__deepcopy__(memo)


@dataclass(frozen=True, eq=False)
class Rewriting:
    """Records a rewritten network for a shape: `net`, without its weights, and then its rewrite.

    A function is called again for every size: what it closes over should not change meanwhile.
    """

    net: Module | Callable[..., Any]
    rewrite: Callable[[Graph], Graph]

    def __call__(self, shape: tuple[int, ...]) -> Folded:
        recorded = _recorded(self.net, shape)
        return fold_graph(replace(recorded, graph=self.rewrite(recorded.graph)))


class Rewritten(GraphModule):
    """A network that was rewritten, which takes images of all sizes that it took before."""

    def __init__(
        self, graph: Graph, arrays: Mapping[str, Array], buffers: Collection[str],
        recipes: Mapping[str, str], rewriting: Rewriting,
    ) -> None:  # fmt: skip
        super().__init__(graph, arrays, buffers)
        self._recipes, self._rewriting = dict(recipes), rewriting

    def check_input(self, x: Any) -> None:
        """Nothing: the network that is recorded again refuses what it does not take."""

    def graph_for(self, shape: tuple[int, ...]) -> Graph:
        """The graph of the network for images of another size.

        ShapeError where its weights are not those that are held: numbers that the network computes
        of its parameters and of the size.
        """
        folded = self._rewriting(shape)
        graph, needed = folded.network.graph, folded.recipes
        if sorted(needed.values()) != sorted(self._recipes.values()):
            raise ShapeError(
                f"x is {shape}; the weights of this network are made for {self.input_shape}: "
                "rewrite the network for the other size"
            )
        # Names are given in the order of use, which the size may decide.
        by_recipe = sorted(zip(needed.values(), graph.inputs[1:], strict=True), key=_first)
        held = sorted(self._recipes, key=self._recipes.__getitem__)
        inputs = {name: value for name, (_, value) in zip(held, by_recipe, strict=True)}
        return replace(graph, inputs=(graph.inputs[0], *(inputs[name] for name in self._names)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Module:
        memo[id(self._rewriting)] = self._rewriting  # like the graph
        return super().__deepcopy__(memo)


def _first(pair: tuple[str, Value]) -> str:
    return pair[0]


def rewritten(
    net: Module | Graph | Callable[..., Any],
    input_shape: Sequence[int] | None,
    rewrite: Callable[[Graph], Graph],
) -> GraphModule:
    """A network whose graph is rewritten, on the same weights."""
    recorded, arrays = record_network(net, input_shape)
    folded, held = fold_constants(replace(recorded, graph=rewrite(recorded.graph)), arrays)
    network = folded.network
    if isinstance(net, Graph):
        return GraphModule(network.graph, held, network.buffers)
    rewriting = Rewriting(_without_weights(net), rewrite)
    return Rewritten(network.graph, held, network.buffers, folded.recipes, rewriting)


def _without_weights(net: Module | Callable[..., Any]) -> Module | Callable[..., Any]:
    """A copy to be recorded, which keeps no array alive."""
    if not isinstance(net, Module):
        return net
    copy = deepcopy(net)
    for place in copy.named_places().values():
        place._forget()
    return copy


def record_network(
    net: Module | Graph | Callable[..., Any], input_shape: Sequence[int] | None = None
) -> tuple[Recorded, Mapping[str, Array]]:
    """A module, a function of one array, or a graph of one, in inference for a shape; and the
    arrays that it holds, by name."""
    if isinstance(net, Graph):
        if len(net.inputs) != 1:
            raise ArgumentError(f"the graph takes {len(net.inputs)} arrays; one is expected")
        return Recorded(net), {}
    if not isinstance(input_shape, tuple | list) or not input_shape:
        raise ArgumentError(
            f"input_shape is {short_repr(input_shape)}; (1, 3, 224, 224), say, is expected"
        )
    batch = 1 if input_shape[0] is None else whole("the batch", input_shape[0], least=1)
    shape = (batch, *(whole("a size", n, least=1) for n in input_shape[1:]))
    check_size("input_shape", shape)
    return _recorded(net, shape), net.state_dict() if isinstance(net, Module) else {}


def _recorded(net: Module | Callable[..., Any], shape: tuple[int, ...]) -> Recorded:
    """A module or function of one array, in inference for a shape."""
    if not isinstance(net, Module):
        return trace.trace(net, Spec(shape))
    recorded = trace_module(net, Spec(shape, network_dtype(net)))
    return replace(recorded, graph=replace(recorded.graph, outputs=recorded.results), updates=())
