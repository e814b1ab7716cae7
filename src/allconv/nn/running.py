"""Modules on arrays: programs kept for the shapes seen last, forward and backward."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import take_float, take_labels
from allconv.functional.dropout import key_of
from allconv.gradient import backward
from allconv.graph import Graph
from allconv.limits import limit_reached, within_limits
from allconv.nn.module import Module
from allconv.nn.tracing import ModuleTrace, trace_module
from allconv.operators.base import Array, Spec
from allconv.trace import Builder, flatten, unflatten

KEPT = 8  # programs a module


class Ready:
    """A traced network and its program, in which the state is bound until it changes."""

    def __init__(self, traced: ModuleTrace, graph: Graph, inputs: int) -> None:
        from allconv.engine.program import Program

        self.traced = traced
        self._names = (*traced.parameters, *traced.buffers)
        self._static = range(inputs, inputs + len(self._names))
        self._program = Program(graph, exact=True, static=self._static)
        self._state: list[Array] | None = None

    def __call__(self, net: Module, arrays: Sequence[Array], seed: int | None) -> Sequence[Array]:
        """The outputs for inputs, with the state that the network has now."""
        places = net.named_places()
        state = [places[name].value(name) for name in self._names]
        known = self._state
        if known is None or any(a is not b for a, b in zip(state, known, strict=True)):
            self._program.bind(dict(zip(self._static, state, strict=True)))
            self._state = state
        drawn = [key_of(seed)] if self.traced.uses_key else []
        inputs = self._static.start
        try:
            return self._program(*arrays[:inputs], *drawn, *arrays[inputs:])
        except MemoryError as error:
            raise limit_reached(type(net).__name__, error) or error from error


def run(net: Module, x: Sequence[Any], *, training: bool, seed: int | None) -> Any:
    """The outputs of a network for arrays."""
    arrays = _taken(x)
    specs = tuple(Spec.of(each) for each in arrays)
    ready = _kept(net, "forward", specs, training, _forward)
    return unflatten(ready.traced.structure, iter(ready(net, arrays, seed)))


def run_backward(
    net: Module, x: Any, grad_output: Any, *, training: bool, seed: int | None
) -> tuple[Any, dict[str, Array]]:
    """The gradients of the inputs and of the parameters of a network."""
    several = isinstance(x, tuple)
    arrays = _taken(x if several else (x,))
    specs = tuple(Spec.of(each) for each in arrays)
    ready = _kept(net, "backward", specs, training, _backward)
    if grad_output is None:
        raise ArgumentError("grad_output is None; an array of the output's shape is wanted")
    with within_limits("grad_output"):
        given = flatten(grad_output)[0]
    wanted = _results(ready.traced)
    if len(given) != len(wanted):
        raise ShapeError(f"{len(given)} gradients are given; there are {len(wanted)} outputs")
    seeds = []
    for each, value in zip(given, wanted, strict=True):
        with within_limits("grad_output"), np.errstate(all="ignore"):
            gradient = take_float("grad_output", each).astype(value.dtype, copy=False)
        if gradient.shape != value.shape:
            raise ShapeError(f"grad_output is {gradient.shape}; the output is {value.shape}")
        seeds.append(gradient)
    gradients = iter(ready(net, [*arrays, *seeds], seed))
    gx = tuple(next(gradients) if spec.is_float else None for spec in specs)
    return (gx if several else gx[0]), dict(zip(ready.traced.parameters, gradients, strict=True))


def _taken(x: Sequence[Any]) -> list[Array]:
    """The arrays of a network: the first of floats, the others also of integers (indices)."""
    return [_array(f"x{n}", each) if n else take_float("x", each) for n, each in enumerate(x)]


def _array(name: str, given: Any) -> Array:
    whole = getattr(getattr(given, "dtype", None), "kind", "f") in "iu"
    taken: Array = take_labels(name, given) if whole else take_float(name, given)
    return taken


def _results(traced: ModuleTrace) -> Sequence[Any]:
    return traced.graph.outputs[: len(traced.graph.outputs) - len(traced.updates)]


def _kept(
    net: Module,
    kind: str,
    specs: tuple[Spec, ...],
    training: bool,
    make: Callable[[ModuleTrace, int], Ready],
) -> Ready:
    """What is ready for these specs: kept while the network has the same structure."""
    kept: OrderedDict[Hashable, Ready] = net.__dict__.setdefault("_programs", OrderedDict())
    key = (kind, specs, training, _structure(net))
    ready = kept.pop(key, None)
    if ready is None:
        ready = make(trace_module(net, *specs, training=training), len(specs))
    kept[key] = ready
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return ready


def _structure(net: Module) -> Hashable:
    modules = tuple((id(module), module._version) for _, module in net.named_modules())
    return modules, tuple(place.spec for place in net.named_places().values())


def _forward(traced: ModuleTrace, inputs: int) -> Ready:
    return Ready(traced, traced.graph, inputs)


def _backward(traced: ModuleTrace, inputs: int) -> Ready:
    """The program of the gradients of the inputs and parameters."""
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in traced.graph.inputs]
    seeds = [builder.input(value.spec, "grad_output") for value in _results(traced)]
    operands_of = traced.graph.inputs[: inputs + len(traced.parameters)]
    wanted = [n for n, value in enumerate(operands_of) if value.spec.is_float]
    _, gradients = backward(
        builder, traced.graph, operands, [*seeds, *(None for _ in traced.updates)], wanted
    )
    return Ready(traced, builder.graph(gradients), inputs)
