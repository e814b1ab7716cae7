"""ONNX's own suite through `Backend`: what each case gives, and the list of those that pass.

python tests/onnx/onnx_cases.py     writes declared_cases.txt anew
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from onnx.backend.test.runner import Runner

import onnx
from allconv.engine import programs
from allconv.engine.step import DefinitionStep
from allconv.errors import Error
from allconv.onnx import Backend
from onnx import numpy_helper

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
DECLARED = Path(__file__).with_name("declared_cases.txt")
KERNELS, DEFINED, KNOWN = "", "*", "="
"""How a case runs, as a mark after its name in the list."""


@cache
def node_cases() -> list[Any]:
    """The cases of single operators."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the numerical code of cases that are not ours
        from onnx.backend.test.case.node import collect_testcases

        return list(collect_testcases(None))


def array_of(given: Any) -> Any:
    """A tensor of a case as an array, where it is one."""
    if isinstance(given, onnx.TensorProto):
        return numpy_helper.to_array(given)
    return np.asarray(given) if isinstance(given, np.generic) else given


def outcome(
    model: Any, data_sets: Sequence[tuple[Any, Any]], rtol: float, atol: float
) -> tuple[str, str]:
    """ "pass" and how it ran, or "refused" or "wrong" and why; compared as the suite compares."""
    programs._entries.clear()
    try:
        prepared = Backend.prepare(model)
        results = [(prepared.run(list(map(array_of, x))), y) for x, y in data_sets]
    except Error as error:
        return "refused", str(error)
    try:
        for found, expected in results:
            wanted = list(map(array_of, expected))
            Runner.assert_similar_outputs(wanted, found, rtol, atol)
    except AssertionError as error:
        return "wrong", str(error)
    return "pass", _how()


def _how() -> str:
    """How the last network ran: by kernels alone, by a definition, or known before it ran."""
    kept = max(programs._entries.values(), key=lambda entry: entry.used, default=None)
    if kept is None or not kept.program.graph.nodes:
        return KNOWN
    defined = any(isinstance(step, DefinitionStep) for step in kept.program.steps())
    return DEFINED if defined else KERNELS


def node_outcomes() -> dict[str, tuple[str, str]]:
    """What each case of a single operator gives, by its name without "test_"."""
    return {
        case.name.removeprefix("test_"): outcome(case.model, case.data_sets, case.rtol, case.atol)
        for case in node_cases()
    }


def network_outcome(folder: Path) -> tuple[str, str]:
    """What a network in a folder gives for its sets of data."""
    sets = [(_tensors(each, "input"), _tensors(each, "output")) for each in folder.glob("test_da*")]
    return outcome(onnx.load(folder / "model.onnx"), sets, 1e-3, 1e-7)


def _tensors(folder: Path, kind: str) -> list[Any]:
    files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
    return [onnx.TensorProto.FromString(path.read_bytes()) for path in files]


if __name__ == "__main__":
    names = sorted(name + how for name, (kind, how) in node_outcomes().items() if kind == "pass")
    DECLARED.write_text(fill(" ".join(names), 100, break_on_hyphens=False) + "\n")
