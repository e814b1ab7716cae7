"""Public names and signatures are those of the list: none goes, and none changes, unnoticed."""

from __future__ import annotations

import ast
import runpy
from collections import defaultdict
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAMILY = ("allconv.nn", "allconv.operators", "allconv.engine.kernels")
"""Rooms that see one thing each in its way: as a layer, as an operator, as a kernel."""


def test_public_names_are_as_listed() -> None:
    """After a change that is meant: scripts/public_names --write."""
    script = runpy.run_path(str(ROOT / "scripts/public_names"))
    listed = (ROOT / "tests/public_names.txt").read_text("utf-8").splitlines()
    assert script["page"]().splitlines() == listed


def test_types_of_layers_are_those_of_the_code() -> None:
    """After a change that is meant: scripts/layer_types --write."""
    script = runpy.run_path(str(ROOT / "scripts/layer_types"))
    written = (ROOT / "src/allconv/nn/__init__.pyi").read_text("utf-8")
    assert script["stub"]() == written


def test_no_file_takes_the_name_of_a_function() -> None:
    """A module that is imported becomes an attribute of its package, in place of what had its name
    there."""
    listed = (ROOT / "tests/public_names.txt").read_text("utf-8").splitlines()
    functions = [line.split("(")[0] for line in listed if "(" in line]
    files = {name: ROOT / "src" / name.replace(".", "/") for name in functions}
    twins = [n for n, at in files.items() if at.is_dir() or at.with_suffix(".py").exists()]
    assert twins
    for name in twins:
        package, _, own = name.rpartition(".")
        module = import_module(name)
        assert getattr(import_module(package), own) is not module, name


def _is_family(modules: list[str]) -> bool:
    """Whether these are a layer, its operator and its kernel: one in a room."""
    rooms = [room for name in modules for room in FAMILY if name.startswith(f"{room}.")]
    return len(rooms) == len(modules) == len(set(rooms))


def _are_public(name: str, modules: list[str]) -> bool:
    """Whether users know every one of them by this name."""
    listed = (ROOT / "tests/public_names.txt").read_text("utf-8").splitlines()
    rooms = [line.split("(")[0].rpartition(".")[0] for line in listed if f".{name}(" in line]
    return all(any(module.startswith(f"{room}.") for room in rooms) for module in modules)


def test_no_two_classes_share_a_name() -> None:
    """A class is told by its name alone, where an import or a traceback shows it."""
    modules = runpy.run_path(str(ROOT / "scripts/house"))["modules"]()
    homes = defaultdict(list)
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module)
    shared = {name: found for name, found in homes.items() if len(found) > 1}
    known = {n for n, found in shared.items() if _is_family(found) or _are_public(n, found)}
    assert {"LayerNorm", "Example"} <= known
    assert {name: found for name, found in shared.items() if name not in known} == {}
