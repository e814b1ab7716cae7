"""What modules need to know while a network is recorded: values, paths, training, the key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from allconv.errors import ArgumentError

if TYPE_CHECKING:
    from allconv.nn.module import Module
    from allconv.nn.parameter import Parameter

_scope: ContextVar[Scope | None] = ContextVar("scope", default=None)


@dataclass
class Scope:
    """One pass through a network.

    `bound` holds the value that stands for each parameter and buffer; a layer in training replaces
    the values of its buffers there and never on itself. `key` gives the key of random draws;
    `results` lists what each layer returned, by path.
    """

    root: Module
    training: bool
    key: Callable[[], Any] | None = None
    bound: dict[Parameter, Any] = field(default_factory=dict)
    replaced: dict[Parameter, Any] = field(default_factory=dict)
    results: list[tuple[str, Any]] = field(default_factory=list)
    uses: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        modules = list(self.root.named_modules())
        self._numbers = {id(module): n for n, (_, module) in enumerate(modules)}
        self._paths = {id(m): f"{name} ({type(m).__name__})" for name, m in modules if name}

    def path(self, module: Module) -> str:
        """The path of a module, "4 (Linear)"; the root's is empty."""
        if module is self.root:
            return ""
        return self._paths.get(id(module), type(module).__name__)

    def layer(self, module: Module) -> int:
        """A number for one use of a module, so that every use draws for itself."""
        if id(module) not in self._numbers:
            raise ArgumentError("a layer that draws must be an attribute of a module")
        use = self.uses.get(id(module), 0)
        self.uses[id(module)] = use + 1
        return self._numbers[id(module)] + use * len(self._numbers)

    def draw_key(self) -> Any:
        """The key of random draws."""
        if self.key is None:
            raise ArgumentError("dropout draws numbers: pass seed=0, or another whole number")
        return self.key()


def current() -> Scope | None:
    """The pass that is being recorded, if any."""
    return _scope.get()


@contextmanager
def entered(scope: Scope) -> Iterator[Scope]:
    """Make a pass the current one."""
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)
