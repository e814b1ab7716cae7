"""The structure of a network as plain values, which a file can hold: kinds, settings, names.

    a layer       {"kind": "Conv2d", "settings": {"in_channels": 3, ...}}
    a container   {"kind": "Sequential", "modules": {"0": ..., "1": ...}}
    a layer that stands in several places    {"same": "0"}, by its first name

Only classes of `allconv.nn` are described; what a user wrote is code, which no file holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from allconv.errors import Error

if TYPE_CHECKING:
    from allconv.nn.module import Module

CONTAINERS = ("Sequential", "Named", "Residual")
_OURS = "allconv.nn."


def structure_of(net: Module) -> dict[str, Any] | None:
    """A network of the package's own layers as plain values; None for any other."""
    modules = list(net.named_modules())
    arrays = [id(place) for _, module in modules for place in module._places().values()]
    if len(set(arrays)) < len(arrays):
        return None  # an array in two layers is not said here
    try:
        return _described(net, {id(module): name for name, module in modules}, "")
    except (RecursionError, ValueError):
        return None


def _described(module: Module, first: Mapping[int, str], name: str) -> dict[str, Any] | None:
    kind = type(module).__name__
    if not type(module).__module__.startswith(_OURS) or kind.startswith("_"):
        return None
    if first[id(module)] != name:
        return {"same": first[id(module)]}
    if kind not in CONTAINERS:
        return _layer(module, kind)
    if module._places():
        return None
    inside = {}
    for key, child in module._children().items():
        found = _described(child, first, f"{name}.{key}" if name else key)
        if found is None:
            return None
        inside[key] = found
    return {"kind": kind, "modules": inside}


def _layer(module: Module, kind: str) -> dict[str, Any] | None:
    """A layer by its settings, if these make the same."""
    settings = {}
    for name, each in signature(type(module).__init__).parameters.items():
        if name == "self" or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            continue
        value = getattr(module, name, None)
        settings[name] = value is not None if name == "bias" else _plain(value)
    try:
        again = type(module)(**settings)
    except (Error, TypeError):
        return None
    return {"kind": kind, "settings": settings} if _same(again, module) else None


def _plain(value: Any) -> Any:
    """A setting as JSON has it; ValueError for what it has not."""
    if isinstance(value, np.integer | np.floating | np.bool_):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    if isinstance(value, tuple | list):
        return tuple(_plain(each) for each in value)
    raise ValueError("a setting that no file holds")


def _same(one: Module, other: Module) -> bool:
    """Whether two layers hold the same arrays, but for their numbers, and look alike."""

    def arrays(module: Module) -> list[tuple[str, tuple[int, ...], bool]]:
        return [(n, p.spec.shape, p.trainable) for n, p in module.named_places().items()]

    return arrays(one) == arrays(other) and repr(one) == repr(other)
