"""How a function of this package meets its arrays: taken in, then recorded or run.

On values of a trace an operator is recorded; on arrays it is run, now, by the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from allconv import engine, trace
from allconv.errors import ArgumentError, Error
from allconv.intake.arrays import take_array
from allconv.intake.limits import limit_reached
from allconv.operators.base import FLOATS, Operator, Spec, dtype_name
from allconv.value import Value

P = ParamSpec("P")
R = TypeVar("R")


def take_float(name: str, given: Any) -> Any:
    """A float32 or float64 array, or a value of a trace of these."""
    if isinstance(given, Value):
        if not given.spec.is_float:
            raise ArgumentError(
                f"{name} is {given.dtype}; float32 or float64 is expected: pass floats, such as "
                f"{name}.astype(np.float32)"
            )
        return given
    if given is None:
        raise ArgumentError(f"{name} is None; an array is expected")
    array = take_array(name, given)
    if dtype_name(array.dtype) in FLOATS:
        return array
    if array.dtype.kind in "biuf":
        call = f"{name}.astype(np.float32)" if hasattr(given, "astype") else ""
        remedy = call or f"np.asarray({name}, np.float32)"
        raise ArgumentError(f"{name} is {array.dtype.name}; pass {remedy}")
    raise ArgumentError(f"{name} is {array.dtype.name}; float32 or float64 is expected")


def take_labels(name: str, given: Any) -> Any:
    """Labels of any integer dtype as int64, or a value of a trace of int64."""
    if isinstance(given, Value):
        if given.dtype != "int64":
            raise ArgumentError(f"{name} is {given.dtype}; int64 is expected")
        return given
    array = take_array(name, given)
    if array.dtype.kind not in "iu":
        raise ArgumentError(
            f"{name} is {array.dtype.name}; integers are expected: pass {name}.astype(np.int64)"
        )
    if array.size and array.max() > np.iinfo(np.int64).max:
        raise ArgumentError(f"{name} holds {array.max()}, more than int64 can hold")
    return array.astype(np.int64, copy=False)


def take_floats(*, optional: Sequence[str] = ("bias",), **named: Any) -> tuple[Any, ...]:
    """Float operands by name, promoted together as in NumPy; None stays None where it may."""
    taken = [
        None if x is None and name in optional else take_float(name, x) for name, x in named.items()
    ]
    dtypes = {_dtype(x) for x in taken if x is not None}
    if len(dtypes) > 1:
        taken = [x if x is None else _widened(x) for x in taken]
    return tuple(taken)


def _widened(x: Any) -> Any:
    return x.astype(np.float64) if _dtype(x) == "float32" else x


def _dtype(x: Any) -> str:
    return x.dtype if isinstance(x, Value) else dtype_name(x.dtype)


def apply(operator: Operator, *operands: Any) -> Any:
    """An operator recorded when an operand belongs to a trace, else run on the arrays."""
    if any(isinstance(x, Value) for x in operands):
        return trace.record(operator, *operands)
    return engine.run_operator(operator, *operands)


def fresh(x: Any) -> Any:
    """A result that is its argument: a copy of an array, so that they share nothing."""
    return x if isinstance(x, Value) else x.copy()


def evaluate(function: Callable[..., Any], *operands: Any, **settings: Any) -> Any:
    """A function made of several operators: recorded, or run as one program."""
    if any(isinstance(x, Value) for x in operands):
        return function(*operands, **settings)
    specs = tuple(Spec.of(x) for x in operands)
    key = (function, specs, tuple(settings.items()))
    kept = engine.keep(key, lambda: _recorded(function, specs, settings))
    return trace.unflatten(kept.about, iter(kept.program(*operands)))


def _recorded(
    function: Callable[..., Any], specs: tuple[Spec, ...], settings: dict[str, Any]
) -> engine.KeptProgram:
    traced = trace.trace(lambda *x: function(*x, **settings), *specs)
    return engine.KeptProgram(engine.Program(traced.graph, exact=True), traced.structure)


def _call(name: str, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
    """Call a public function: its errors begin with its name, unless a layer's path will stand
    there, and its own arithmetic raises nothing, whatever `np.errstate` says around it."""
    try:
        with np.errstate(all="ignore"):  # infinities and NaNs are values like others
            return function(*args, **kwargs)
    except Error as error:
        builder = trace.current()
        raise error.at("" if builder is not None and builder.path else name) from error.__cause__
    except Exception as error:
        reached = limit_reached(name, error)
        if reached is None:
            raise
        raise reached from error


def public(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose errors begin with its name."""
    name = function.__name__

    @wraps(function)
    def named(*args: P.args, **kwargs: P.kwargs) -> R:
        return _call(name, function, *args, **kwargs)

    return named


def spatial(
    function: Callable[Concatenate[int, P], R],
) -> tuple[Callable[P, R], Callable[P, R], Callable[P, R]]:
    """`_conv(axes, ...)` for one, two and three axes: `conv1d(...)` and so on, by its signature."""
    return _over(function, 1), _over(function, 2), _over(function, 3)


def _over(function: Callable[Concatenate[int, P], R], axes: int) -> Callable[P, R]:
    """It for one number of axes."""
    name = f"{function.__name__.lstrip('_')}{axes}d"

    def fixed(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return _call(name, function, axes, *args, **kwargs)
        except TypeError as error:
            # Python names the function that it could not call: the one behind this one.
            if not str(error).startswith(f"{function.__name__}()"):
                raise
            text = str(error).replace(function.__name__, name, 1)
            raise TypeError(text) from None

    own = signature(function, eval_str=False)
    fixed.__signature__ = own.replace(parameters=list(own.parameters.values())[1:])  # type: ignore[attr-defined]  # a function may have it
    fixed.__name__ = fixed.__qualname__ = name
    fixed.__doc__, fixed.__module__ = function.__doc__, function.__module__
    return fixed
