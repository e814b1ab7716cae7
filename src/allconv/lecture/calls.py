"""The names in the calls of an example that only the lecture has, and what they are."""

from __future__ import annotations

import ast
from collections.abc import Callable
from inspect import getdoc, isfunction, signature
from typing import Any

from allconv.lecture.example import Example


def own_names(example: Example) -> dict[str, str]:
    """In the order of the calls: functions by the first paragraph of their docstrings, constants
    by their values.

    >>> from allconv.lecture import find
    >>> own_names(find("two-layers"))["plain(side)"]
    'A network of two linear layers with 64 hidden units.'
    """
    known = getattr(example.compute, "__globals__", {})
    names = [node for node in ast.walk(ast.parse(example.code)) if isinstance(node, ast.Name)]
    found = {}
    for name in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
        value = known.get(name.id)
        if isfunction(value) and value.__module__.startswith("allconv.lecture"):
            said = (getdoc(value) or "").split("\n\n")[0]
            found[f"{name.id}({_parameters(value)})"] = " ".join(said.split())
        elif isinstance(value, int | tuple):
            found[name.id] = f"{value}."
    return found


def _parameters(function: Callable[..., Any]) -> str:
    """The names of a function's parameters."""
    given = signature(function).parameters.values()
    return ", ".join("**" * (each.kind == each.VAR_KEYWORD) + each.name for each in given)
