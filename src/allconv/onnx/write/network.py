"""What is to be written: a graph, the arrays of its parameters, and what follows the batch.

The network is traced for two batches. Sizes that differ follow the batch; anything else that
differs cannot be written for every batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, UnsupportedError
from allconv.graph import Graph
from allconv.nn.module import Module
from allconv.nn.tracing import network_dtype, trace_module
from allconv.onnx.module import OnnxModule
from allconv.operators.arrange import Reshape, Slice
from allconv.operators.base import FLOATS, Array, Spec
from allconv.operators.reduce import Broadcast
from allconv.trace import Recorded, trace
from allconv.value import Value

Shape = tuple[int | None, ...]
_BATCHES = (2, 3)
_FOLLOWING = (Broadcast, Reshape, Slice)  # operators whose settings may hold the batch's size


@dataclass(frozen=True)
class ExportedNetwork:
    """A recorded network, the arrays that it holds by name, and the shapes of its values.

    A size that follows the batch is None.
    """

    recorded: Recorded
    arrays: dict[str, Array]
    shapes: dict[Value, tuple[int | None, ...]]

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self.recorded.graph


def network_of(net: Any, several: Sequence[Shape]) -> ExportedNetwork:
    """A module, a function or a graph as what is to be written, for inputs of these shapes."""
    if isinstance(net, Graph):
        return ExportedNetwork(Recorded(net, len(net.inputs)), {}, _static(net))
    _check_inputs(net, len(several))
    is_open = any(shape[:1] == (None,) for shape in several)
    batches = _BATCHES if is_open else _BATCHES[:1]
    dtypes = _dtypes(net, len(several))
    recorded, *others = (_recorded(net, several, batch, dtypes) for batch in batches)
    shapes = _following(recorded.graph, others[0].graph) if others else _static(recorded.graph)
    state = net.state_dict() if isinstance(net, Module) else {}
    return ExportedNetwork(recorded, {name: state[name] for name in recorded.state}, shapes)


def _check_inputs(net: Any, count: int) -> None:
    """Refuse what does not take so many arrays, where its signature says so."""
    if hasattr(net, "plan") and not isinstance(net, Module):
        raise ArgumentError("net is compiled already; give the network that it was made from")
    if not callable(net):
        raise ArgumentError(
            f"net is {type(net).__name__}; a network, a function or a graph is expected"
        )
    try:
        signature(net.forward if isinstance(net, Module) else net).bind(*(None,) * count)
    except TypeError as error:
        arrays = "one array" if count == 1 else f"{count} arrays"
        raise ArgumentError(
            f"the network does not take {arrays} ({error}); give as shape a list of the shapes of "
            "all its inputs"
        ) from None
    except ValueError:
        return  # it has no signature, as some functions of C


def _dtypes(net: Any, count: int) -> list[str]:
    """The dtype of every input: the network's, or, without parameters, that of its file."""
    if isinstance(net, OnnxModule) and not net.parameters():
        given = [each.dtype if each.dtype in FLOATS else "float32" for each in net.model.inputs]
        return given[:count] + ["float32"] * (count - len(given))
    return [network_dtype(net) if isinstance(net, Module) else "float32"] * count


def _recorded(
    net: Module | Callable[..., Any], several: Sequence[Shape], batch: int, dtypes: Sequence[str]
) -> Recorded:
    """A network or function in inference, an open batch being this one."""
    specs = [
        Spec(tuple(batch if n is None else n for n in shape), dtype)
        for shape, dtype in zip(several, dtypes, strict=True)
    ]
    return trace_module(net, *specs) if isinstance(net, Module) else trace(net, *specs)


def _static(graph: Graph) -> dict[Value, tuple[int | None, ...]]:
    return {value: value.shape for value in graph.numbers()}


def _following(graph: Graph, other: Graph) -> dict[Value, tuple[int | None, ...]]:
    """The shapes of a graph, None where those of the same network for another batch differ."""
    if len(graph.nodes) != len(other.nodes) or len(graph.constants) != len(other.constants):
        raise UnsupportedError(
            "the network computes something else for another batch; give shape[0] a number"
        )
    for one, two in zip(graph.nodes, other.nodes, strict=True):
        same = one.operator == two.operator
        if not same and not (
            isinstance(one.operator, _FOLLOWING) and type(one.operator) is type(two.operator)
        ):
            error = UnsupportedError(
                "the layer computes something else for another batch; give shape[0] a number"
            )
            raise error.at(one.path)
    pairs = zip(graph.constants.values(), other.constants.values(), strict=True)
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs):
        raise UnsupportedError(
            "a constant of the network depends on the batch; give shape[0] a number"
        )
    values = zip(graph.numbers(), other.numbers(), strict=True)
    return {
        a: tuple(n if n == m else None for n, m in zip(a.shape, b.shape, strict=True))
        for a, b in values
    }
