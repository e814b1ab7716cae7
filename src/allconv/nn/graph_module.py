"""A graph as a network: parameters under their names, recorded anew for every size of input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from allconv import trace
from allconv.errors import ArgumentError, ShapeError, TraceError
from allconv.functional.call import take_float
from allconv.graph import Graph, Node
from allconv.intake.limits import check_size
from allconv.intake.settings import told, whole
from allconv.nn.module import Module
from allconv.nn.parameter import Buffer, Parameter
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Array, Spec
from allconv.rewrite.fold_constants import fold_constants
from allconv.rewrite.resize import resized
from allconv.rewrite.strip_preprocessing import strip_preprocessing
from allconv.trace import Recorded
from allconv.value import Value


class GraphModule(Module):
    """A network that a graph describes: called, compiled, trained and saved as any module.

    The graph takes one array and then `arrays`, which become parameters (`buffers` names those
    that training leaves alone). It was recorded in inference for one shape; for another batch, or
    for larger images where its operators can slide, it is recorded anew.
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
        constants = {
            value: array.astype(x.dtype) if value.spec.is_float else array
            for value, array in self.graph.constants.items()
        }

        def for_size(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
            before = [value.spec for value in node.inputs]
            operator = resized(node.operator, before, [value.spec for value in inputs])
            results = builder.apply(operator, *inputs)
            return results if isinstance(results, tuple) else (results,)

        operands = [x, *(Module.__getattr__(self, name) for name in self._names)]
        here = builder.inline(replace(self.graph, constants=constants), operands, for_size)
        outputs = tuple(here[value] for value in self.graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

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


def rewritten(
    net: Module | Graph | Callable[..., Any],
    input_shape: Sequence[int] | None,
    rewrite: Callable[[Graph], Graph],
) -> GraphModule:
    """A network whose graph is rewritten, on the same numbers."""
    recorded, arrays = record_network(net, input_shape)
    folded, held = fold_constants(replace(recorded, graph=rewrite(recorded.graph)), arrays)
    return GraphModule(folded.graph, held, folded.buffers)


def without_preparation(net: Module, input_shape: Sequence[int]) -> GraphModule:
    """The part of a network of pixels (N, H, W, C) that takes prepared images (N, C, H, W)."""
    return rewritten(net, input_shape, strip_preprocessing)


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
            f"input_shape is {told(input_shape)}; (1, 3, 224, 224), say, is expected"
        )
    batch = 1 if input_shape[0] is None else whole("the batch", input_shape[0], least=1)
    shape = (batch, *(whole("a size", n, least=1) for n in input_shape[1:]))
    check_size("input_shape", shape)
    if not isinstance(net, Module):
        return trace.trace(net, Spec(shape)), {}
    recorded = trace_module(net, Spec(shape, network_dtype(net)))
    graph = replace(recorded.graph, outputs=recorded.results)
    return replace(recorded, graph=graph, updates=()), net.state_dict()
