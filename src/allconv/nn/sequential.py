"""Modules one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

from allconv.errors import ArgumentError
from allconv.nn.module import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules one after the other, named "0", "1", ...

    >>> from allconv import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
    >>> list(net.parameters())
    ['0.weight', '0.bias']
    """

    def __init__(self, *modules: Module) -> None:
        for number, module in enumerate(modules):
            if not isinstance(module, Module):
                of = module if isinstance(module, type | FunctionType) else type(module)
                name = of.__name__
                call = f"; use {name}(...)" if isinstance(module, type) else ""
                raise ArgumentError(f"module {number} is {name}; a module is expected{call}")
            setattr(self, str(number), module)

    def forward(self, *x: Any) -> Any:
        """The result of the last module."""
        if len(x) != 1 and not len(self):
            raise ArgumentError(f"{len(x)} arrays are given to an empty network; 1 is expected")
        for module in self:
            x = (module.record(*x),)
        return x[0]

    def __iter__(self) -> Iterator[Module]:
        return iter(self._children().values())

    def __len__(self) -> int:
        return len(self._children())

    def __getitem__(self, index: int | slice) -> Module:
        modules = list(self)
        if isinstance(index, slice):
            return Sequential(*modules[index])
        return modules[index]
