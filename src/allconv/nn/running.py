"""Modules on arrays: programs kept for the shapes seen last, forward and backward."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from allconv.errors import ShapeError
from allconv.functional.call import take_float
from allconv.functional.dropout import key_of
from allconv.gradient import backward
from allconv.nn.module import Module
from allconv.nn.tracing import ModuleTrace, trace_module
from allconv.operators.base import Array, Spec
from allconv.trace import Builder, flatten, unflatten

if TYPE_CHECKING:
    from allconv.engine.program import Program

KEPT = 8  # programs a module


def run(net: Module, x: Sequence[Any], *, training: bool, seed: int | None) -> Any:
    """The outputs of a network for arrays."""
    arrays = _taken(x)
    specs = tuple(Spec.of(each) for each in arrays)
    traced, program = _kept(net, "forward", specs, training, _forward)
    outputs = program(*arrays, *_state(net, traced, seed))
    return unflatten(traced.structure, iter(outputs))


def run_backward(
    net: Module, x: Any, grad_output: Any, *, training: bool, seed: int | None
) -> tuple[Any, dict[str, Array]]:
    """The gradients of the inputs and of the parameters of a network."""
    several = isinstance(x, tuple)
    arrays = _taken(x if several else (x,))
    specs = tuple(Spec.of(each) for each in arrays)
    traced, program = _kept(net, "backward", specs, training, _backward)
    given, wanted = flatten(grad_output)[0], _results(traced)
    if len(given) != len(wanted):
        raise ShapeError(f"{len(given)} gradients are given; there are {len(wanted)} outputs")
    seeds = []
    for each, value in zip(given, wanted, strict=True):
        gradient = take_float("grad_output", each).astype(value.dtype, copy=False)
        if gradient.shape != value.shape:
            raise ShapeError(f"grad_output is {gradient.shape}; the output is {value.shape}")
        seeds.append(gradient)
    gradients = iter(program(*arrays, *_state(net, traced, seed), *seeds))
    gx = tuple(islice(gradients, len(arrays)))
    return (gx if several else gx[0]), dict(zip(traced.parameters, gradients, strict=True))


def _taken(x: Sequence[Any]) -> list[Array]:
    return [take_float(f"x{n}" if n else "x", each) for n, each in enumerate(x)]


def _state(net: Module, traced: ModuleTrace, seed: int | None) -> list[Array]:
    """The arrays behind the inputs in the graph's order: parameters, buffers, key."""
    places = net.named_places()
    state = [places[name].value(name) for name in (*traced.parameters, *traced.buffers)]
    return [*state, key_of(seed)] if traced.uses_key else state


def _results(traced: ModuleTrace) -> Sequence[Any]:
    return traced.graph.outputs[: len(traced.graph.outputs) - len(traced.updates)]


def _kept(
    net: Module,
    kind: str,
    specs: tuple[Spec, ...],
    training: bool,
    make: Callable[[ModuleTrace, int], Program],
) -> tuple[ModuleTrace, Program]:
    """The program of a network for these specs: kept while the network has the same structure."""
    kept: OrderedDict[Hashable, tuple[ModuleTrace, Program]]
    kept = net.__dict__.setdefault("_programs", OrderedDict())
    key = (kind, specs, training, _structure(net))
    found = kept.pop(key, None)
    if found is None:
        traced = trace_module(net, *specs, training=training)
        found = traced, make(traced, len(specs))
    kept[key] = found
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return found


def _structure(net: Module) -> Hashable:
    modules = tuple((id(module), module._version) for _, module in net.named_modules())
    return modules, tuple(place.spec for place in net.named_places().values())


def _forward(traced: ModuleTrace, inputs: int) -> Program:
    from allconv.engine.program import Program

    return Program(traced.graph, exact=True)


def _backward(traced: ModuleTrace, inputs: int) -> Program:
    """The program of the gradients of the inputs and parameters."""
    from allconv.engine.program import Program

    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in traced.graph.inputs]
    seeds = [builder.input(value.spec, "grad_output") for value in _results(traced)]
    wanted = range(inputs + len(traced.parameters))
    _, gradients = backward(
        builder, traced.graph, operands, [*seeds, *(None for _ in traced.updates)], wanted
    )
    return Program(builder.graph(gradients), exact=True)
