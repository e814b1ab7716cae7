"""The package as it is imported: light, complete, sorted."""

from __future__ import annotations

import subprocess
import sys

import pytest

import allconv

HEAVY = ("llvmlite", "onnx", "PIL", "rich")


def loaded_after(statement: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*(m for m in {HEAVY} if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    """`import allconv`, its layers and its functions load neither LLVM nor onnx, PIL, rich."""
    assert (
        loaded_after("import allconv; from allconv import nn, functional; nn.Linear(2, 2)") == set()
    )
    assert loaded_after("import allconv as ac; ac.errors; ac.correlate; ac.nn.networks") == set()


def test_all_is_sorted_and_listed() -> None:
    """`dir` lists `__all__`, and what is not there is an AttributeError."""
    assert dir(allconv) == sorted(allconv.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        allconv.nothing  # noqa: B018 (the access is the test)


@pytest.mark.parametrize("name", allconv.__all__)
def test_every_name_resolves(name: str) -> None:
    """Each public name leads to something, the same every time."""
    assert getattr(allconv, name) is getattr(allconv, name)
