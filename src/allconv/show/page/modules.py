"""The modules of `js/` joined into one script: there is no build step.

Each module becomes a function that is called once and returns what it exports, so its own names
stay its own; `import {a, b} from "./x.js"` takes them from there.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([\w-]+)\.js";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*.*?\*/)[ \t]*\n", re.MULTILINE | re.DOTALL)
_CAST = re.compile(r"/\*\* @(?:type|satisfies) .*?\*/ ?", re.DOTALL)


@cache
def module_text(name: str) -> str:
    """A module and all that it imports, as one script in a scope of its own.

    Comments of whole lines are left out. ValueError for modules that import each other, and for
    imports and exports of other forms.
    """
    order: list[str] = []
    _visit(name.removesuffix(".js"), order, ())
    body = "".join(map(_scoped, order))
    return f'(() => {{\n"use strict";\n{body}}})();\n'


def _visit(name: str, order: list[str], path: tuple[str, ...]) -> None:
    if name in path:
        raise ValueError(f"modules import each other: {' -> '.join([*path, name])}")
    if name in order:
        return
    for _, imported in _IMPORT.findall(_source(name)):
        _visit(imported, order, (*path, name))
    order.append(name)


def _scoped(name: str) -> str:
    """A module as a constant that holds what it exports."""
    source = _source(name)
    imported = _IMPORT.findall(source)
    taken = [f"const {{{names}}} = ${other};\n" for names, other in imported if names]
    exported = _EXPORT.findall(source)
    body = _EXPORT.sub("", _IMPORT.sub("", source))
    left = _LEFT.search(body)
    if left:
        raise ValueError(f"{name}.js: {left[0]!r} is not an import or export of a known form")
    code = _COMMENT.sub("", _CAST.sub("", body)).strip()
    given = "".join(taken).replace("\n  ", " ")
    return f"const ${name} = (() => {{\n{given}{code}\nreturn {{{', '.join(exported)}}};\n}})();\n"


@cache
def _source(name: str) -> str:
    return (files("allconv.show.page") / "js" / f"{name}.js").read_text("utf-8")
