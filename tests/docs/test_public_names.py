"""Public names and signatures are those of the list: none goes, and none changes, unnoticed."""

from __future__ import annotations

import runpy
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


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
