"""Modules on arrays: a program for every shape, forward and backward, on weights that all share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from allconv import engine
from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import take_float, take_labels
from allconv.functional.dropout import key_of
from allconv.gradient import backward
from allconv.graph import Graph
from allconv.intake.limits import limit_reached, within_limits
from allconv.nn.tracing import trace_module
from allconv.operators.base import Array, Spec
from allconv.trace import Builder, Recorded, flatten, unflatten

if TYPE_CHECKING:
    from allconv.nn.module import Module


def _call(
    net: Module, kept: engine.KeptProgram, arrays: Sequence[Array], seed: int | None
) -> Sequence[Array]:
    """The outputs for inputs, with the state that the network has now."""
    recorded: Recorded = kept.about
    count = recorded.arguments
    drawn = [key_of(seed)] if recorded.uses_key else []
    weights = _weights(net, recorded.state)
    try:
        return kept.program(*arrays[:count], *drawn, *arrays[count:], weights=weights)
    except MemoryError as error:
        raise limit_reached(type(net).__name__, error) or error from error


def _weights(net: Module, names: tuple[str, ...]) -> engine.Weights:
    """The state that all programs of a network share, until it changes."""
    places = net.named_places()
    state = [places[name].value(name) for name in names]
    known: tuple[list[Array], engine.Weights] | None = net.__dict__.get("_weights")
    if known is None or not _same(known[0], state):
        known = net.__dict__["_weights"] = state, engine.Weights.of(state)
    return known[1]


def _same(left: Sequence[Array], right: Sequence[Array]) -> bool:
    """Whether these are the very same arrays."""
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))


def run(net: Module, x: Sequence[Any], *, training: bool, seed: int | None) -> Any:
    """The outputs of a network for arrays."""
    arrays = _taken(x)
    specs = tuple(Spec.of(each) for each in arrays)
    kept = _kept(net, "forward", specs, training, _forward)
    return unflatten(kept.about.structure, iter(_call(net, kept, arrays, seed)))


def run_backward(
    net: Module, x: Any, grad_output: Any, *, training: bool, seed: int | None
) -> tuple[Any, dict[str, Array]]:
    """The gradients of the inputs and of the parameters of a network."""
    several = isinstance(x, tuple)
    arrays = _taken(x if several else (x,))
    specs = tuple(Spec.of(each) for each in arrays)
    kept = _kept(net, "backward", specs, training, _backward)
    if grad_output is None:
        raise ArgumentError("grad_output is None; an array of the output's shape is expected")
    with within_limits("grad_output"):
        given = flatten(grad_output)[0]
    results = kept.about.results
    if len(given) != len(results):
        raise ShapeError(f"{len(given)} gradients are given; there are {len(results)} outputs")
    seeds = []
    for each, value in zip(given, results, strict=True):
        with within_limits("grad_output"), np.errstate(all="ignore"):
            gradient = take_float("grad_output", each).astype(value.dtype, copy=False)
        if gradient.shape != value.shape:
            raise ShapeError(f"grad_output is {gradient.shape}; the output is {value.shape}")
        seeds.append(gradient)
    gradients = iter(_call(net, kept, [*arrays, *seeds], seed))
    gx = tuple(next(gradients) if spec.is_float else None for spec in specs)
    return (gx if several else gx[0]), dict(zip(kept.about.parameters, gradients, strict=True))


def _taken(x: Sequence[Any]) -> list[Array]:
    """The arrays of a network: the first of floats, the others also of integers (indices)."""
    return [_array(f"x{n}", each) if n else take_float("x", each) for n, each in enumerate(x)]


def _array(name: str, given: Any) -> Array:
    whole = getattr(getattr(given, "dtype", None), "kind", "f") in "iu"
    taken: Array = take_labels(name, given) if whole else take_float(name, given)
    return taken


def _kept(
    net: Module,
    kind: str,
    specs: tuple[Spec, ...],
    training: bool,
    make: Callable[[Recorded], engine.KeptProgram],
) -> engine.KeptProgram:
    """The program for these specs: kept while the network has the same structure."""
    key = (kind, specs, training, _structure(net))
    return engine.keep(key, lambda: make(trace_module(net, *specs, training=training)), owner=net)


def _structure(net: Module) -> Hashable:
    modules = tuple((id(module), module._version) for _, module in net.named_modules())
    return modules, tuple(place.spec for place in net.named_places().values())


def _forward(recorded: Recorded) -> engine.KeptProgram:
    return _program(recorded, recorded.graph)


def _backward(recorded: Recorded) -> engine.KeptProgram:
    """The program of the gradients of the inputs and parameters."""
    builder = Builder()
    forward = recorded.graph
    operands = [builder.input(value.spec, value.name) for value in forward.inputs]
    seeds = [builder.input(value.spec, "grad_output") for value in recorded.results]
    by = forward.inputs[: recorded.arguments + len(recorded.parameters)]
    floats = [n for n, value in enumerate(by) if value.spec.is_float]
    _, gradients = backward(
        builder, forward, operands, [*seeds, *(None for _ in recorded.updates)], floats
    )
    return _program(recorded, builder.graph(gradients))


def _program(recorded: Recorded, graph: Graph) -> engine.KeptProgram:
    """A program on the state of the network."""
    program = engine.Program(graph, exact=True, static=recorded.state_places)
    return engine.KeptProgram(program, recorded)
