"""One operator on arrays, now: a program of one node, kept for the shapes seen last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allconv.engine.program import Program
from allconv.engine.programs import KeptProgram, keep
from allconv.operators.base import Array, Operator, Spec
from allconv.trace import Builder


def run_operator(operator: Operator, *arrays: Array) -> Any:
    """The results of an operator: an array, or a tuple of several. Exact."""
    key = (operator, *[(array.shape, array.dtype) for array in arrays])
    outputs = keep(key, lambda: _made(operator, arrays)).program(*arrays)
    return outputs if len(outputs) > 1 else outputs[0]


def _made(operator: Operator, arrays: Sequence[Array]) -> KeptProgram:
    builder = Builder()
    result = builder.apply(operator, *(builder.input(Spec.of(array)) for array in arrays))
    outputs = result if isinstance(result, tuple) else (result,)
    return KeptProgram(Program(builder.graph(outputs), exact=True))
