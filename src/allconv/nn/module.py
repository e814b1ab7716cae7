"""Modules: settings, parameters and other modules, with a `forward`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from copy import deepcopy
from inspect import signature
from os import PathLike
from typing import Any

from allconv import trace
from allconv.errors import ArgumentError, Error, ShapeError, TraceError
from allconv.functional.dropout import key_of
from allconv.intake.limits import within_limits
from allconv.intake.settings import flag, float_dtype, short_repr
from allconv.nn.parameter import Arrays, Initializer, Parameter
from allconv.nn.running import run, run_backward
from allconv.nn.scope import Scope, current, entered
from allconv.nn.structure import structure_of
from allconv.nn.summary import Summary, summarize
from allconv.nn.tracing import trace_module
from allconv.nn.weights_file import is_path, load_weights, save_weights
from allconv.operators.base import Array, Spec
from allconv.random import check_seed
from allconv.text import few_lines
from allconv.trace import Recorded
from allconv.value import Value

__all__ = ["Module"]


WRAPPERS = ("module.", "_orig_mod.")  # what PyTorch's wrappers put before all names
DEEPEST = 24  # modules inside each other that are shown


class Module:
    """Base of layers and networks.

    Attributes that are modules, `Parameter` or `Buffer` register themselves. A parameter read as an
    attribute is a read-only array; assigning one replaces it. `forward` describes the computation;
    it is recorded when the module is called, so it uses only what a trace can record.

    >>> import numpy as np
    >>> from allconv import functional as F
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = Parameter(np.array([2.0, 3.0]))
    ...     def forward(self, x):
    ...         return F.relu(x * self.factor)
    >>> Scale()(np.array([1.0, -1.0]))
    array([2., 0.])
    """

    _version = 0

    def forward(self, *x: Any) -> Any:
        """The computation; subclasses give it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        place = self._places().get(name)
        if isinstance(value, Value):
            self._bind(name, place, value)
            return
        if place is not None and value is not None and not isinstance(value, Parameter | Module):
            place.replace(place.fit(name, value))
            return
        if isinstance(value, list | tuple) and any(isinstance(each, Module) for each in value):
            raise ArgumentError(
                f"{name} is a {type(value).__name__} of modules, which would not be found; use "
                "nn.Sequential, or an attribute for each"
            )
        self.__dict__["_version"] = self._version + 1
        for kind in ("_own_places", "_own_modules"):
            self.__dict__.setdefault(kind, {}).pop(name, None)
        self.__dict__.pop(name, None)
        if isinstance(value, Parameter):
            self._places()[name] = value
        elif isinstance(value, Module):
            self._children()[name] = value
        else:
            self.__dict__[name] = value

    def _bind(self, name: str, place: Parameter | None, value: Value) -> None:
        scope = current()
        if scope is None or place is None:
            raise TraceError(
                f"{type(self).__name__}.{name} is given a traced value; only a Buffer can hold "
                "one, and while the network is recorded"
            )
        if value.shape != place.spec.shape or value.spec.is_float != place.spec.is_float:
            raise ShapeError(f"{name} is {value.spec}; {place.spec} is expected")
        scope.replaced[place] = value.astype(place.spec.dtype) if value.spec.is_float else value

    def __getattr__(self, name: str) -> Any:
        place = self.__dict__.get("_own_places", {}).get(name)
        if place is None:
            module = self.__dict__.get("_own_modules", {}).get(name)
            if module is None:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            return module
        scope = current()
        if scope is not None:
            bound = scope.replaced.get(place, scope.bound.get(place))
            if bound is not None:
                return bound
        return place.value(name)

    def __delattr__(self, name: str) -> None:
        self.__dict__["_version"] = self._version + 1
        for held in (self._places(), self._children(), self.__dict__):
            if name in held:
                del held[name]
                return
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def _places(self) -> dict[str, Parameter]:
        places: dict[str, Parameter] = self.__dict__.setdefault("_own_places", {})
        return places

    def _children(self) -> dict[str, Module]:
        children: dict[str, Module] = self.__dict__.setdefault("_own_modules", {})
        return children

    def parameter(self, name: str, shape: tuple[int, ...], initializer: Initializer) -> None:
        """Register a float32 parameter of this shape that is drawn when it is first looked at."""
        setattr(self, name, Parameter.drawn(shape, initializer))

    @property
    def training(self) -> bool:
        """Whether the pass that is being recorded is a training one."""
        scope = current()
        return scope is not None and scope.training

    # Names

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module ("") and all below it with their names, each once, in order of definition."""
        seen: set[int] = set()
        ahead: list[tuple[str, Module]] = [("", self)]
        while ahead:  # a stack: networks may be nested more deeply than Python's calls
            name, module = ahead.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield name, module
            children = reversed(module._children().items())
            ahead.extend((f"{name}.{key}" if name else key, child) for key, child in children)

    def named_places(self) -> dict[str, Parameter]:
        """The places of all parameters and buffers, by name; a shared one has its first name."""
        places: dict[str, Parameter] = {}
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for key, place in module._places().items():
                if id(place) not in seen:
                    seen.add(id(place))
                    places[f"{prefix}.{key}" if prefix else key] = place
        return places

    def parameters(self) -> dict[str, Array]:
        """The arrays that training changes, by name ("0.weight"), read-only."""
        return Arrays((n, p.value(n)) for n, p in self.named_places().items() if p.trainable)

    def buffers(self) -> dict[str, Array]:
        """The arrays that are kept beside them, by name ("1.running_mean"), read-only."""
        return Arrays((n, p.value(n)) for n, p in self.named_places().items() if not p.trainable)

    def state_dict(self) -> dict[str, Array]:
        """All parameters and buffers by name, as PyTorch names them; read-only arrays."""
        return Arrays((name, place.value(name)) for name, place in self.named_places().items())

    def load_state_dict(
        self, state: Mapping[str, Any] | str | PathLike[str], *, strict: bool = True
    ) -> tuple[list[str], list[str]]:
        """Replace parameters and buffers by name, all or nothing.

        `state` holds arrays by name, NumPy's or others that can be read as such (PyTorch's
        tensors, say), or is the path of a safetensors file of these. A prefix "module." on all
        names, as wrappers of PyTorch put it, is left out, and num_batches_tracked may be missing.
        Returns the names that are missing and those that are unexpected; when `strict`, these are
        an error. Shapes must agree; floats are converted to the module's dtype.
        """
        if is_path(state):
            state = load_weights(state)[0]
        if not isinstance(state, Mapping):
            raise ArgumentError(
                f"state is {type(state).__name__}; arrays by name, as state_dict() gives them, or "
                "the path of a file of these is expected"
            )
        places = self.named_places()
        state = _unwrapped(state, places)
        missing = [n for n, place in places.items() if n not in state and not place.optional]
        unexpected = [name for name in state if name not in places]
        if flag("strict", strict) and (missing or unexpected):
            parts = [("missing", missing), ("unexpected", map(str, unexpected))]
            listed = [(what, ", ".join(names)) for what, names in parts]
            named = "; ".join(f"{what}: {names}" for what, names in listed if names)
            raise ArgumentError(
                f"the state is of another network ({named}); give this one's, or pass strict=False"
            )
        with within_limits("the state"):
            fitted = {n: p.fit(n, state[n]) for n, p in places.items() if n in state}
        for name, array in fitted.items():
            places[name].replace(array)
        return missing, unexpected

    def save(self, path: str | PathLike[str]) -> None:
        """Write all parameters and buffers to a safetensors file, whole or not at all.

        Of networks made of `nn`'s own layers the file holds the structure, too, so that
        `allconv.load(path)` gives the network back; of others, whose class is code, it holds the
        arrays alone: `net.load_state_dict(path)`.
        """
        about = {"version": 1, "text": type(self).__name__, "structure": structure_of(self)}
        save_weights(path, self.state_dict(), about)

    def initialize(self, seed: int = 0) -> Module:
        """Draw all parameters anew, by key (seed, name), and return the module."""
        seed = check_seed(seed)
        for name, place in self.named_places().items():
            place.begin(seed, name)
        return self

    def astype(self, dtype: Any) -> Module:
        """A copy of the module with float32 or float64 parameters."""
        name = float_dtype("dtype", dtype)
        with within_limits(type(self).__name__):
            self.state_dict()  # draws what was not drawn, so that both have the same weights
            copy = deepcopy(self)
            for place in copy.named_places().values():
                place.convert(name)
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Module:
        copy = object.__new__(type(self))
        memo[id(self)] = copy
        copy.__dict__.update(deepcopy(self.__getstate__(), memo))
        return copy

    def __getstate__(self) -> dict[str, Any]:
        """All attributes but what was prepared for running."""
        return {key: value for key, value in self.__dict__.items() if key != "_weights"}

    # Running

    def __call__(self, *x: Any, training: bool | None = None, seed: int | None = None) -> Any:
        """The outputs for these inputs: exact, compiled for the shapes when they are first seen.

        `training=True` uses batch statistics and draws dropout by `seed`; nothing on the module
        changes. Inside a `forward` the pass that is being recorded decides.
        """
        if current() is not None or any(isinstance(each, Value) for each in x):
            return self.record(*x, training=training, seed=seed)
        trains = training is not None and flag("training", training)
        return run(self, x, training=trains, seed=seed)

    def backward(
        self, x: Any, grad_output: Any, *, training: bool = False, seed: int | None = None
    ) -> tuple[Any, dict[str, Array]]:
        """The gradients of sum(grad_output * self(x)): of x, and of every parameter by name.

        The keys are those of `parameters()`. Several inputs and outputs are given as tuples.
        """
        trains = flag("training", training)
        return run_backward(self, x, grad_output, training=trains, seed=seed)

    def record(self, *x: Any, training: bool | None = None, seed: int | None = None) -> Any:
        """`forward` on values of a trace, on behalf of this module's path."""
        scope = current()
        trains = None if training is None else flag("training", training)
        if scope is None:
            self.state_dict()  # draws by the names in this network what was not drawn
            key = None if seed is None else key_of(seed)
            with entered(Scope(self, bool(trains), None if key is None else lambda: key)):
                return self.record(*x)
        builder, path, outer = trace.current(), scope.path(self), scope.training
        scope.training = outer if trains is None else trains
        try:
            with builder.at(path) if builder and path else nullcontext():
                result = trace.called(self.forward, *x)
        except Error as error:
            raise error.at(path) from error.__cause__
        finally:
            scope.training = outer
        scope.results.append((path or type(self).__name__, result))
        return result

    def traced(self, *specs: Spec, training: bool = False) -> Recorded:
        """The network as a graph, for inputs of these specs; see `allconv.trace.Recorded`."""
        return trace_module(self, *specs, training=training)

    def summary(self, *shapes: tuple[int, ...]) -> Summary:
        """A table with a row a layer: output shape, parameters, multiply-adds.

        The shapes of the inputs include the batch.
        """
        return summarize(self, shapes)

    def _recorded_as(self) -> Sequence[str]:
        """The paths of the layers that `forward` records under names of its own, if it does."""
        return ()

    # Text

    def __str__(self) -> str:
        return _text(self, ())

    def __repr__(self) -> str:
        return few_lines(_text(self, ()))

    def _repr_html_(self) -> str:
        from allconv.nn.shown import module_html

        return module_html(self)

    def _settings(self) -> Iterator[str]:
        """The settings that differ from their defaults, as they were given."""
        for name, each in signature(type(self).__init__).parameters.items():
            if name == "self" or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
                continue
            value: Any
            if name == "bias":  # it is not drawn to be asked whether it is there
                value = name in self._places() or self.__dict__.get(name) is not None
            else:
                value = getattr(self, name, None)
            if each.default is each.empty:
                yield short_repr(value)
            elif not _same(value, each.default):
                yield f"{name}={short_repr(value)}"


def _unwrapped(state: Mapping[str, Any], places: Mapping[str, Any]) -> Mapping[str, Any]:
    """A state without the prefix that a wrapper put before all names."""
    for prefix in WRAPPERS:
        names = list(state)
        wrapped = all(isinstance(name, str) and name.startswith(prefix) for name in names)
        if names and wrapped and not any(name.startswith(prefix) for name in places):
            state = {name.removeprefix(prefix): state[name] for name in names}
    return state


def _same(value: Any, default: Any) -> bool:
    """Whether a setting is its default; an array of several numbers is not."""
    try:
        return bool(value == default)
    except Exception:  # arrays, or a class of the user's
        return False


def _text(module: Module, around: tuple[Module, ...]) -> str:
    """A module with those below it, but for those that it is inside of, or too deep to be read."""
    name = type(module).__name__
    if not module._children():
        return f"{name}({', '.join(module._settings())})"
    if len(around) == DEEPEST or any(module is outer for outer in around):
        return f"{name}(...)"
    lines = []
    for key, child in module._children().items():
        own = type(child).__repr__ is not Module.__repr__
        text = repr(child) if own else _text(child, (*around, module))
        lines.append(f"  ({key}): {text}".replace("\n", "\n  "))
    return "\n".join([f"{name}(", *lines, ")"])
