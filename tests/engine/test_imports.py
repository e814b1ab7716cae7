"""The engine's imports stand at the top of their files, those for types too, where
`tests/docs/test_house.py` sees every circle."""

from __future__ import annotations

import ast
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
