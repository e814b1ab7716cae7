"""The house as its imports draw it: no circles, and a docstring that says what each file is."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import allconv

ROOT = Path(allconv.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that runs, at import or later: what type checkers alone see is left out."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from statements(child)


def imported(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, its functions included."""
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            names = [f"{node.module}.{each.name}" for each in node.names]
            yield from (name if name in MODULES else node.module for name in names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in MODULES)


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = {name: set(imported(path)) - {name} for name, path in MODULES.items()}
    assert sum(map(len, graph.values())) > len(graph)
    TopologicalSorter(graph).prepare()  # CycleError names a circle


def test_every_file_says_what_it_is() -> None:
    silent = [name for name, path in MODULES.items() if not ast.get_docstring(_parsed(path))]
    assert silent == []


def test_no_file_is_too_long_to_be_read() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert {name: n for name, n in lengths.items() if n > 440} == {}


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
