"""One operator on arrays, now: a program of one node, kept for the shapes seen last."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from allconv.engine.program import Program
from allconv.operators.base import Array, Operator, Spec
from allconv.trace import Builder

KEPT = 256  # programs of one operator; each is a few kilobytes and its scratch memory


def run_operator(operator: Operator, *arrays: Array) -> Any:
    """The results of an operator: an array, or a tuple of several. Exact."""
    program = _program(operator, tuple(Spec.of(array) for array in arrays))
    outputs = program(*arrays)
    return outputs if len(outputs) > 1 else outputs[0]


@lru_cache(maxsize=KEPT)
def _program(operator: Operator, specs: tuple[Spec, ...]) -> Program:
    builder = Builder()
    result = builder.apply(operator, *(builder.input(spec) for spec in specs))
    return Program(builder.graph(result if isinstance(result, tuple) else (result,)), exact=True)
