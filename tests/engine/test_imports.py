"""The engine's imports: all at the top of their files, and no circles, also among types."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import allconv.engine

FOLDER = Path(allconv.engine.__file__).parent
FILES = {
    ".".join(("allconv.engine", *path.relative_to(FOLDER).with_suffix("").parts)): path
    for path in FOLDER.rglob("*.py")
    if path.name != "__init__.py"
}
LATE = {"platformdirs"}  # where there is a cache on disk
IMPORTS = (ast.Import, ast.ImportFrom)


def named(statement: ast.Import | ast.ImportFrom) -> set[str]:
    """The modules that a statement may load."""
    names = {alias.name for alias in statement.names}
    if isinstance(statement, ast.Import):
        return names
    return {statement.module, *(f"{statement.module}.{name}" for name in names)}


def test_imports_stand_at_the_top() -> None:
    """None is inside a function or a condition."""
    for path in FILES.values():
        tree = ast.parse(path.read_text())
        inner = [s for s in ast.walk(tree) if isinstance(s, IMPORTS) and s not in tree.body]
        assert not [s for s in inner if not named(s) & LATE], path


def test_no_file_needs_itself() -> None:
    """The files have an order in which each comes after those that it imports."""
    needs = {
        name: {
            module
            for statement in ast.parse(path.read_text()).body
            if isinstance(statement, IMPORTS)
            for module in named(statement) & set(FILES)
        }
        for name, path in FILES.items()
    }
    order = list(TopologicalSorter(needs).static_order())  # a CycleError names a circle
    assert order.index("allconv.engine.plan") < order.index("allconv.engine.lowerings")
