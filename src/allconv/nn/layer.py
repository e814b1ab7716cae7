"""Layers derived from functions: the settings are those of the signature, `forward` is inherited.

What a new function needs to be a layer, too, is one line: `over_axes("MaxPool", Pool, "max_pool")`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter, Signature, cleandoc, signature
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from allconv import functional
from allconv.functional.settings import per_axis
from allconv.nn.module import Module

AXES = {1: "one axis", 2: "two axes", 3: "three axes"}

L = TypeVar("L", bound=Module)


class Layer(Module):
    """A function of `functional` whose settings are kept, under their names.

    A subclass that names its `function` has its settings: all behind the `inputs`, which `forward`
    is given, but for what is `held` as a parameter of the layer or is `fixed`. A subclass may have
    `sizes` of its own before them, and settings that are given by name `only`.
    """

    function: ClassVar[Callable[..., Any]]
    axes: ClassVar[int]
    inputs: ClassVar[int] = 1
    sizes: ClassVar[dict[str, str]] = {}  # with their types
    held: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[dict[str, Any]] = {}
    only: ClassVar[tuple[str, ...]] = ()
    passed: ClassVar[tuple[str, ...]]

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **settings: Any) -> None: ...

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "function" in cls.__dict__:
            settings = list(cls._own_settings())
            cls.passed = tuple(each.name for each in settings)
            cls.__init__ = _keeping(cls, settings)  # type: ignore[method-assign]  # by signature

    @classmethod
    def _own_settings(cls) -> Iterator[Parameter]:
        """The settings of the function that the layer has."""
        for each in list(signature(cls.function).parameters.values())[cls.inputs :]:
            if each.name in cls.only:
                yield each.replace(kind=Parameter.KEYWORD_ONLY)
            elif each.name not in (*cls.held, *cls.fixed):
                yield each

    def begin(self) -> None:
        """Refuse settings that can never do, and make parameters; the settings are known."""
        if "kernel_size" in self.passed:
            self.each_axis("kernel_size")

    def each_axis(self, name: str, *, least: int = 1) -> tuple[int, ...]:
        """A setting as one number an axis."""
        return per_axis(name, getattr(self, name), self.axes, least=least)

    def forward(self, *x: Any) -> Any:
        """The function with the layer's settings and parameters."""
        kept = {name: getattr(self, name) for name in (*self.held, *self.passed)}
        return type(self).function(*x, **kept, **self.fixed)


def _keeping(cls: type[Layer], settings: list[Parameter]) -> Callable[..., None]:
    """An `__init__` that keeps what it is given."""
    kind, empty = Parameter.POSITIONAL_OR_KEYWORD, Parameter.empty
    sizes = {"self": empty, **cls.sizes}
    first = [Parameter(name, kind, annotation=each) for name, each in sizes.items()]
    bias = Parameter("bias", Parameter.KEYWORD_ONLY, default=True, annotation="bool")
    kept = [*first, *([bias] if "bias" in cls.held else []), *settings]
    own = Signature(sorted(kept, key=lambda each: each.kind), return_annotation="None")

    def keep(self: Layer, *args: Any, **given: Any) -> None:
        try:
            bound = own.bind(self, *args, **given)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}() {_told(own, args, error)}") from None
        bound.apply_defaults()
        for name, value in list(bound.arguments.items())[1:]:
            setattr(self, name, value)
        self.begin()

    keep.__signature__ = own  # type: ignore[attr-defined]  # a function may have it
    keep.__name__, keep.__qualname__ = "__init__", f"{cls.__qualname__}.__init__"
    return keep


def _told(own: Signature, args: tuple[Any, ...], error: TypeError) -> str:
    """What is wrong with a call, as Python says it of a function with such a signature."""
    many = sum(each.kind is Parameter.POSITIONAL_OR_KEYWORD for each in own.parameters.values())
    if len(args) >= many:
        return f"takes {many} positional arguments but {len(args) + 1} were given"
    text = str(error).replace("missing a required", "missing 1 required positional")
    return text.replace("multiple values", "got multiple values")


def over_axes(
    name: str, base: type[L], function: str | None = None
) -> tuple[type[L], type[L], type[L]]:
    """The layers of one, two and three axes, `name` + "1d" and so on, of functions named alike."""

    def made(axes: int) -> type[L]:
        told = "" if function is None else f"; settings as in `functional.{function}{axes}d`"
        own: dict[str, Any] = {
            "axes": axes,
            "__module__": base.__module__,
            "__doc__": f"{cleandoc(base.__doc__ or '')}\n\nOver {AXES[axes]}{told}.",
        }
        if function is not None:
            own["function"] = staticmethod(getattr(functional, f"{function}{axes}d"))
        return cast(type[L], type(f"{name}{axes}d", (base,), own))

    return made(1), made(2), made(3)
