"""The modules of `js/` joined into one script: there is no build step."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import\s+(?:[^;]*?\sfrom\s+)?"\./([\w.]+)";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_NAME = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*.*?\*/)[ \t]*\n", re.MULTILINE | re.DOTALL)
_CAST = re.compile(r"/\*\* @(?:type|satisfies) .*?\*/ ?", re.DOTALL)


@cache
def module_text(name: str) -> str:
    """A module with all that it imports before it, as one script in a scope of its own.

    Comments of whole lines are left out. ValueError for modules that import each other, and for a
    name that two of them have at their top.
    """
    order: list[str] = []
    _visit(name, order, ())
    owners: dict[str, str] = {}
    for each in order:
        for found in _NAME.findall(_source(each)):
            if found in owners:
                raise ValueError(f"{found} stands in {owners[found]} and in {each}")
            owners[found] = each
    body = "".join(map(_bare, order))
    return f'(() => {{\n"use strict";\n{body}}})();\n'


def _visit(name: str, order: list[str], path: tuple[str, ...]) -> None:
    if name in path:
        raise ValueError(f"modules import each other: {' -> '.join([*path, name])}")
    if name in order:
        return
    for imported in _IMPORT.findall(_source(name)):
        _visit(imported, order, (*path, name))
    order.append(name)


def _bare(name: str) -> str:
    """A module's code alone."""
    text = _EXPORT.sub("", _IMPORT.sub("", _source(name)))
    return _COMMENT.sub("", _CAST.sub("", text))


@cache
def _source(name: str) -> str:
    return (files("allconv.show.page") / "js" / name).read_text("utf-8")
