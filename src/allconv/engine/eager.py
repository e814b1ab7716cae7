"""One operator on arrays, now."""

from __future__ import annotations

from typing import Any

from allconv.engine.program import Program
from allconv.operators.base import Array, Operator, Spec
from allconv.trace import Builder


def run_operator(operator: Operator, *arrays: Array) -> Any:
    """The results of an operator: an array, or a tuple of several. Exact."""
    builder = Builder()
    inputs = [builder.input(Spec.of(array)) for array in arrays]
    result = builder.apply(operator, *inputs)
    graph = builder.graph(result if isinstance(result, tuple) else (result,))
    outputs = Program(graph, exact=True)(*arrays)
    return outputs if isinstance(result, tuple) else outputs[0]
