"""The spellings of the format, one family a file: how each operator is read and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allconv.onnx.model import OnnxNode
from allconv.onnx.names import (
    arrange,
    cells,
    constants,
    correlate,
    defined,
    grid,
    linear,
    local,
    logic,
    loss,
    normalize,
    norms,
    pointwise,
    pool,
    reduce,
    resize,
    shuffle,
    sum_cells,
    take,
    whole,
)
from allconv.onnx.names.call import NodeRule
from allconv.onnx.names.constants import KNOWN
from allconv.onnx.names.known import ELEMENTS
from allconv.onnx.names.sequences import SEQUENCES

FAMILIES = (
    arrange,
    sum_cells,
    cells,
    correlate,
    defined,
    constants,
    grid,
    linear,
    local,
    logic,
    loss,
    normalize,
    norms,
    pointwise,
    pool,
    reduce,
    resize,
    shuffle,
    take,
    whole,
)

NAMES: dict[str, NodeRule] = {
    op: name for family in FAMILIES for op, name in getattr(family, "READERS", {}).items()
}
"""How the nodes of ai.onnx are read, by the name of the operator."""

FOLDS = ELEMENTS | {op: name.read for op, name in NAMES.items() if name.folds}
"""How nodes of known values are computed, by the name of the operator."""


def named(node: OnnxNode) -> NodeRule | None:
    """How a node is read; None: not at all."""
    op = "" if node.domain else node.op
    found = NAMES.get(op) or SEQUENCES.get(op)
    return found or (KNOWN if op in FOLDS or op == "If" else None)


WRITERS: dict[type, Callable[..., Any]] = {
    operator: write
    for family in FAMILIES
    for operator, write in getattr(family, "WRITERS", {}).items()
}
"""How our operators are written, by their class."""
