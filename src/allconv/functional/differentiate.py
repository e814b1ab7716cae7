"""Gradients of functions: `grad`, `value_and_grad`, `vjp` and `jacobian`.

A function is traced, its graph differentiated into another graph, and that is run as a program,
or, where an argument or something the function closes over belongs to a trace, recorded there. So
they nest: the gradient of a gradient is the second derivative, and `ac.compile` takes what they
return like any other function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import numpy as np

from allconv import engine
from allconv.errors import ArgumentError, ShapeError, TraceError
from allconv.functional.call import take_float
from allconv.gradient import gradient, pullback
from allconv.graph import Graph
from allconv.intake.arrays import take_array
from allconv.intake.limits import within_limits
from allconv.intake.settings import is_whole, short_repr
from allconv.operators.base import Spec
from allconv.trace import Recorded, called, current, flatten, trace, unflatten
from allconv.value import Value


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that returns the gradient of `f`, which returns one number.

    `argnums` are the places of the arguments to differentiate by, float32 or float64 arrays of any
    shape; the gradient is an array like the argument, or a tuple of them where `argnums` is one.
    An argument on which nothing depends has a gradient of zeros.

    Raises `ArgumentError` where `f` returns something else than one float, where an argument to
    differentiate by holds integers, and where `argnums` names no argument.

    >>> import numpy as np
    >>> from allconv import grad
    >>> grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    array([2., 4.])
    >>> grad(grad(lambda x: x**3))(np.array(2.0))
    array(12.)
    """
    both = value_and_grad(f, argnums)

    @wraps(f, updated=())
    def gradient_of(*arguments: Any) -> Any:
        return both(*arguments)[1]

    return gradient_of


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that returns what `f` returns and its gradient; see `grad`.

    >>> import numpy as np
    >>> from allconv import value_and_grad
    >>> value_and_grad(lambda x, w: (x * w).sum(), (0, 1))(np.ones(2), np.array([3.0, 4.0]))
    (array(7.), (array([3., 4.]), array([1., 1.])))
    """
    places = _check_argnums(argnums)

    @wraps(f, updated=())
    def value_and_gradient_of(*arguments: Any) -> Any:
        with within_limits("the gradient"):
            operands = _operands(f, arguments, places)
            traced = trace(f, *map(_spec, operands))
            graph = gradient(traced.graph, places, with_value=True)
            value, *gradients = _evaluate(graph, (*operands, *traced.captured))
        result = unflatten(traced.structure, iter([value]))
        return result, tuple(gradients) if isinstance(argnums, tuple) else gradients[0]

    return value_and_gradient_of


def vjp(f: Callable[..., Any], *arrays: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
    """What `f` returns on these arrays, and its pullback.

    The pullback takes the gradient of the result, an array (or tuple, list, dict of arrays) of the
    result's shapes, and returns a tuple: the gradient of each argument. It is that at the arrays as
    they are now: the pullback keeps copies.

    >>> import numpy as np
    >>> from allconv import vjp
    >>> y, pull = vjp(lambda x, w: x @ w, np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    >>> y, pull(np.array([[1.0]]))
    (array([[11.]]), (array([[3., 4.]]), array([[1.],
           [2.]])))
    """
    places = tuple(range(len(arrays)))
    with within_limits("vjp"):
        operands = tuple(map(_kept, _operands(f, arrays, places)))
        traced = trace(f, *map(_spec, operands))
        constants = {v: _kept(array) for v, array in traced.graph.constants.items()}
        graph = replace(traced.graph, constants=constants)
        given = (*operands, *traced.captured)
        outputs = _evaluate(graph, given)

    def pull(gy: Any) -> tuple[Any, ...]:
        with within_limits("the pullback"):
            seeds = _seeds(traced, gy)
            return _evaluate(pullback(graph, places), (*given, *seeds))

    return unflatten(traced.structure, iter(outputs)), pull


def jacobian(f: Callable[..., Any], *arrays: Any, argnums: int | tuple[int, ...] = 0) -> Any:
    """The derivative of every cell of what `f` returns by every cell of an argument.

    Shape: that of the result, then that of the argument at the place `argnums`, float32 or float64,
    zeros written out; a tuple of such arrays where `argnums` is one. By rows: one pullback a cell
    of the result. For a linear `f` it is `as_matrix(f, x.shape)`, in another shape.

    Raises `ArgumentError` where `f` returns something else than one array of floats.

    >>> import numpy as np
    >>> from allconv import correlate, jacobian
    >>> x, w = np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3])
    >>> jacobian(lambda x: correlate(x, w), x)              # dO/dI
    array([[1., 2., 3., 0.],
           [0., 1., 2., 3.]])
    >>> jacobian(lambda w: correlate(x, w), w)              # dO/dW
    array([[1., 2., 3.],
           [2., 3., 4.]])
    """
    asked = _check_argnums(argnums)
    operands = _operands(f, arrays, asked)
    if any(isinstance(operand, Value) for operand in operands):
        raise TraceError("jacobian takes arrays; inside a trace use vjp")

    places = tuple(dict.fromkeys(asked))

    def chosen(*x: Any) -> Any:
        given = dict(zip(places, x, strict=True))
        return called(f, *(given.get(n, operand) for n, operand in enumerate(operands)))

    y, pull = vjp(chosen, *(operands[n] for n in places))
    if not isinstance(y, np.ndarray) or y.dtype.kind != "f":
        raise ArgumentError(f"f returns {_told(y)}; one array of floats has a Jacobian matrix")
    with within_limits("the Jacobian matrix"):
        jacobians = {n: np.zeros((*y.shape, *operands[n].shape), y.dtype) for n in places}
    seed = np.zeros_like(y)
    for cell in np.ndindex(y.shape):
        seed[cell] = 1.0
        for whole, row in zip(jacobians.values(), pull(seed), strict=True):
            whole[cell] = row
        seed[cell] = 0.0
    found = tuple(jacobians[n] for n in asked)
    return found if isinstance(argnums, tuple) else found[0]


def _kept(operand: Any) -> Any:
    """A value of a trace, or a copy of an array."""
    return operand if isinstance(operand, Value) else np.array(operand)


def _told(y: Any) -> str:
    return str(y.dtype) if isinstance(y, np.ndarray) else f"a {type(y).__name__}"


def _check_argnums(argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(is_whole(n) and n >= 0 for n in places) or not places:
        raise ArgumentError(
            f"argnums is {short_repr(argnums)}; the place of an argument, or a tuple of places, "
            "is expected"
        )
    return tuple(int(n) for n in places)


def _operands(
    f: Callable[..., Any], arguments: Sequence[Any], places: Sequence[int]
) -> tuple[Any, ...]:
    """Arguments as arrays or values of a trace; those to differentiate by are floats."""
    if any(n >= len(arguments) for n in places):
        raise ArgumentError(
            f"argnums names argument {short_repr(max(places))}; {len(arguments)} were given"
        )
    operands = []
    for n, (name, each) in enumerate(zip(_names(f), arguments, strict=False)):
        if n in places:
            operands.append(take_float(name, each))
        else:
            operands.append(each if isinstance(each, Value) else take_array(name, each))
    return tuple(operands)


def _names(f: Callable[..., Any]) -> Iterator[str]:
    """What messages call the arguments of a function, without end."""
    named = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = [p.name for p in signature(f).parameters.values() if p.kind in named]
    except Exception:  # some builtins have no signature, and what is no function none
        parameters = []
    yield from parameters
    n = len(parameters)
    while True:
        yield f"argument {n}"
        n += 1


def _spec(operand: Any) -> Spec:
    return operand.spec if isinstance(operand, Value) else Spec.of(operand)


def _seeds(recorded: Recorded, gy: Any) -> list[Any]:
    """The leaves of the gradient of a result, for its float leaves, of the same specs."""
    if gy is None:
        raise ArgumentError("gy is None; the gradient of the result, in its shape, is expected")
    leaves, structure = flatten(gy)
    if structure != recorded.structure:
        raise ArgumentError("gy is not nested as the result is")
    seeds = []
    for value, leaf in zip(recorded.graph.outputs, leaves, strict=True):
        if not value.spec.is_float:
            continue
        seed = take_float("gy", leaf)
        if _spec(seed) != value.spec:
            raise ShapeError(f"gy is {_spec(seed)}; {value.spec} is expected, as the result")
        seeds.append(seed)
    return seeds


def _evaluate(graph: Graph, operands: Sequence[Any]) -> tuple[Any, ...]:
    """A graph run on arrays; or recorded, where an operand belongs to a trace."""
    if not any(isinstance(operand, Value) for operand in operands):
        # What was closed over is given like an argument: programs are kept, arrays are not.
        bare = Graph((*graph.inputs, *graph.constants), graph.nodes, graph.outputs)
        kept = engine.keep(bare.key(), lambda: engine.KeptProgram(engine.Program(bare, exact=True)))
        return kept.program(*operands, *graph.constants.values())
    builder = current()
    if builder is None:
        raise ArgumentError("an argument belongs to a trace that has ended")
    here = builder.inline(graph, operands)
    return tuple(here[value] for value in graph.outputs)
