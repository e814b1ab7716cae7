"""A network as a graph: its arrays in, its results and the buffers it replaced out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from allconv.errors import TraceError
from allconv.intake.limits import within_limits
from allconv.nn.scope import Scope, entered
from allconv.operators.base import Spec
from allconv.trace import Builder, Recorded, flatten, recording
from allconv.value import Value

if TYPE_CHECKING:
    from allconv.nn.module import Module

KEY = Spec((2,), "int64")


def trace_module(
    net: Module,
    *specs: Spec,
    training: bool = False,
    then: Callable[[Any], Any] = lambda result: result,
) -> Recorded:
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
    return Recorded(
        builder.graph([*outputs, *updates.values()]),
        len(specs),
        structure,
        tuple(parameters),
        tuple(buffers),
        uses_key=bool(key),
        updates=tuple(updates),
        shapes=tuple(scope.results),
    )


def network_dtype(net: Module) -> str:
    """The dtype of a network's parameters; "float32" where it has none, or several dtypes."""
    places = net.named_places().values()  # weights need not be drawn to be asked
    dtypes = {place.spec.dtype for place in places if place.trainable}
    return dtypes.pop() if len(dtypes) == 1 else "float32"
