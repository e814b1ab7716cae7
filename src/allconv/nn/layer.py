"""Layers derived from functions: the settings are those of the signature, `forward` is made.

What a function needs to be a layer, too, is a line: `derived("Tanh", _Activation, functional.tanh)`
or, where there is one for each number of axes, `over_axes("MaxPool", _Pool, "max_pool")`.
Names of the machinery begin with "_": the others are left to the settings, and to users' layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import Parameter, Signature, cleandoc, signature
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from allconv import functional
from allconv.functional.settings import per_axis
from allconv.nn.module import Module

AXES = {1: "one axis", 2: "two axes", 3: "three axes"}
EMPTY, POSITIONAL = Parameter.empty, Parameter.POSITIONAL_OR_KEYWORD

L = TypeVar("L", bound=Module)


class Layer(Module):
    """A function of `functional` whose settings are kept, under their names.

    A subclass that names its `_function` has its settings: all behind the `_inputs`, which
    `forward` is given, but for what it `_holds` as parameters or has `_fixed`. A subclass may have
    `_sizes` of its own before them, and settings that are given by keyword `_only`.
    """

    axes: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]
    _inputs: ClassVar[int] = 1
    _sizes: ClassVar[Mapping[str, str]] = {}  # with their types
    _holds: ClassVar[tuple[str, ...]] = ()
    _fixed: ClassVar[Mapping[str, Any]] = {}
    _only: ClassVar[tuple[str, ...]] = ()
    _kept: ClassVar[tuple[str, ...]]  # the settings that are passed on

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **settings: Any) -> None: ...

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "_function" in cls.__dict__:
            settings = list(cls._own_settings())
            cls._kept = tuple(each.name for each in settings)
            cls.__init__ = _init_of(cls, settings)  # type: ignore[method-assign]  # by signature
            cls.forward = _forward_of(cls)  # type: ignore[method-assign]  # likewise

    @classmethod
    def _own_settings(cls) -> Iterator[Parameter]:
        """The settings of the function that the layer has."""
        for each in list(signature(cls._function).parameters.values())[cls._inputs :]:
            if each.name in cls._only:
                yield each.replace(kind=Parameter.KEYWORD_ONLY)
            elif each.name not in (*cls._holds, *cls._fixed):
                yield each

    def _begin(self) -> None:
        """Refuse settings that can never do, and make parameters; the settings are known."""
        if "kernel_size" in self._kept:
            self._each_axis("kernel_size")

    def _each_axis(self, name: str) -> tuple[int, ...]:
        """A setting as one number an axis."""
        return per_axis(name, getattr(self, name), self.axes)


def _init_of(cls: type[Layer], settings: Sequence[Parameter]) -> Callable[..., None]:
    """An `__init__` that keeps what it is given."""
    first = [Parameter(name, POSITIONAL, annotation=each) for name, each in cls._sizes.items()]
    bias = Parameter("bias", Parameter.KEYWORD_ONLY, default=True, annotation="bool")
    every = [*first, *([bias] if "bias" in cls._holds else []), *settings]
    own = _of_self(sorted(every, key=lambda each: each.kind)).replace(return_annotation="None")

    def keep(self: Layer, *args: Any, **given: Any) -> None:
        for name, value in _bound(own, type(self).__name__, (self, *args), given).items():
            setattr(self, name, value)
        self._begin()

    return _named(keep, cls, "__init__", own)


def _forward_of(cls: type[Layer]) -> Callable[..., Any]:
    """A `forward` that calls the function with the layer's settings and parameters."""
    names = list(signature(cls._function).parameters)[: cls._inputs]
    own = _of_self([Parameter(name, POSITIONAL) for name in names])

    def forward(self: Layer, *x: Any, **named: Any) -> Any:
        given = _bound(own, f"{cls.__name__}.forward", (self, *x), named)
        kept = {name: getattr(self, name) for name in (*cls._holds, *cls._kept)}
        return cls._function(*given.values(), **kept, **cls._fixed)

    forward.__doc__ = "The function with the layer's settings and parameters."
    return _named(forward, cls, "forward", own)


def _of_self(parameters: Sequence[Parameter]) -> Signature:
    return Signature([Parameter("self", POSITIONAL), *parameters])


def _named(
    function: Callable[..., Any], cls: type[Layer], name: str, own: Signature
) -> Callable[..., Any]:
    """A function as a method of a class, with a signature."""
    function.__signature__ = own  # type: ignore[attr-defined]  # a function may have it
    function.__name__, function.__qualname__ = name, f"{cls.__qualname__}.{name}"
    function.__module__ = cls.__module__
    return function


def _bound(
    own: Signature, name: str, args: tuple[Any, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Arguments by name, without self; TypeError in Python's words where they do not fit."""
    try:
        bound = own.bind(*args, **given)
    except TypeError:
        raise TypeError(f"{name}() {_misfit(own, len(args), given)}") from None
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


def _misfit(own: Signature, count: int, given: Mapping[str, Any]) -> str:
    """What is wrong with a call of so many arguments without names, and these with names."""
    every = own.parameters
    ordered = [each for each in every.values() if each.kind is POSITIONAL]
    for name in given:
        if name not in every:
            return f"got an unexpected keyword argument {name!r}"
        if name in [each.name for each in ordered[:count]]:
            return f"got multiple values for argument {name!r}"
    if count > len(ordered):
        least = sum(each.default is EMPTY for each in ordered)
        takes = f"from {least} to {len(ordered)}" if least < len(ordered) else f"{least}"
        return f"takes {takes} positional argument{_s(len(ordered))} but {count} were given"
    missing = [repr(p.name) for p in ordered[count:] if p.default is EMPTY and p.name not in given]
    listed = " and ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
    return f"missing {len(missing)} required positional argument{_s(len(missing))}: {listed}"


def _s(count: int) -> str:
    return "s" * (count != 1)


def derived(
    name: str,
    base: type[L],
    function: Callable[..., Any] | None = None,
    axes: int | None = None,
) -> type[L]:
    """A layer on a base: a function over so many axes, with its settings.

    Its docstring begins as that of the base, or of the function where the base has none.
    """
    said = cleandoc(base.__dict__.get("__doc__") or (function.__doc__ or "").split("\n\n")[0])
    own: dict[str, Any] = {"__module__": base.__module__}
    told = []
    if axes is not None:
        own["axes"] = axes
        told.append(f"over {AXES[axes]}")
    if function is not None:
        own["_function"] = staticmethod(function)
        if not getattr(base, "_fixed", None):
            told.append(f"settings as in `functional.{function.__name__}`")
    more = "; ".join(told)
    own["__doc__"] = f"{said}\n\n{more[0].upper()}{more[1:]}."
    return cast(type[L], type(name, (base,), own))


def over_axes(
    name: str, base: type[L], function: str | None = None
) -> tuple[type[L], type[L], type[L]]:
    """The layers of one, two and three axes, `name` + "1d" and so on, of functions named alike."""

    def made(axes: int) -> type[L]:
        called = None if function is None else getattr(functional, f"{function}{axes}d")
        return derived(f"{name}{axes}d", base, called, axes)

    return made(1), made(2), made(3)
