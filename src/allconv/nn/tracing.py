"""A network as a graph: its arrays in, its results and the buffers it replaced out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allconv.errors import TraceError
from allconv.graph import Graph
from allconv.limits import within_limits
from allconv.nn.module import Module
from allconv.nn.scope import Scope, entered
from allconv.operators.base import Spec
from allconv.trace import Builder, flatten, recording
from allconv.value import Value

KEY = Spec((2,), "int64")


@dataclass(frozen=True)
class ModuleTrace:
    """A recorded network.

    The graph's inputs are the network's arrays, then `parameters`, then `buffers` (of floats),
    then, if `uses_key`, the key of random draws: int64 (2,), seed and step. Its outputs are the
    network's results, whose nesting is `structure`, then the new values of the buffers `updates`.
    `shapes` lists what each layer returned, by path, in the order of the calls.
    """

    graph: Graph
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    updates: tuple[str, ...]
    structure: Any
    uses_key: bool
    shapes: tuple[tuple[str, Any], ...] = ()


def trace_module(
    net: Module,
    *specs: Spec,
    training: bool = False,
    then: Callable[[Any], Any] = lambda result: result,
) -> ModuleTrace:
    """Record one pass through a network for inputs of these specs.

    What is recorded goes on with `then`, a function of the network's result, if that is given: its
    result takes the place of the network's, and inputs of its own come last.

    >>> from allconv import nn
    >>> trace_module(nn.Linear(3, 2), Spec((1, 3))).parameters
    ('weight', 'bias')
    """
    places = net.named_places()
    parameters = {n: p for n, p in places.items() if p.trainable}
    buffers = {n: p for n, p in places.items() if not p.trainable and p.spec.is_float}
    builder = Builder()
    x = [builder.input(spec, f"x{n}" if n else "x") for n, spec in enumerate(specs)]
    bound = {p: builder.input(p.spec, n) for n, p in {**parameters, **buffers}.items()}
    key: list[Value] = []

    def draw_key() -> Value:
        if not key:
            key.append(builder.input(KEY, "key"))
        return key[0]

    scope = Scope(net, training, draw_key, dict(bound))
    name = type(net).__name__
    with within_limits(name), recording(builder), entered(scope):
        result = then(net.record(*x))
        leaves, structure = flatten(result)
        outputs = [builder.output(leaf) for leaf in leaves]
    if builder.captured:
        raise TraceError("the network uses values of another trace; pass them as inputs")
    updates = {name: scope.replaced[p] for name, p in buffers.items() if p in scope.replaced}
    return ModuleTrace(
        builder.graph([*outputs, *updates.values()]),
        tuple(parameters),
        tuple(buffers),
        tuple(updates),
        structure,
        bool(key),
        tuple(scope.shapes),
    )
