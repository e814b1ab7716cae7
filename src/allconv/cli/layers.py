"""The layers of a network as rows of a table: what `allconv inspect` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allconv.engine.place import size_in_bytes
from allconv.nn.abridge import MOST_ROWS, abridged, without_middle
from allconv.nn.summary import layers_of, parameters_of
from allconv.text import bytes_text, printable

if TYPE_CHECKING:
    from allconv.analysis.fields import Field
    from allconv.engine.program import Program
    from allconv.nn import Module
    from allconv.nn.summary import RecordedLayer

HEAD = ("layer", "kernel", "output", "parameters", "multiply-adds", "memory", "sees", "stride")
LONGEST_NAME = 26
LONGEST_KIND = 18
LONGEST_KERNEL = 20


def describe(
    net: Module, shapes: Sequence[tuple[int, ...]], most: int = MOST_ROWS
) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows of a network for inputs of these shapes, about `most`, and lines with the totals."""
    from allconv.analysis.receptive import receptive_fields
    from allconv.engine.program import Program
    from allconv.nn.tracing import network_dtype, trace_module
    from allconv.operators.base import Spec
    from allconv.operators.normalize import Normalize
    from allconv.operators.pointwise import Pointwise
    from allconv.show.network.record import kernels_of

    dtype = network_dtype(net)
    traced = trace_module(net, *(Spec(shape, dtype) for shape in shapes))
    program = Program(traced.graph, static=traced.state_places)
    prepared = program.prepare()
    found, fields = layers_of(net, traced), receptive_fields(traced.graph)
    counts = parameters_of([layer.nodes for layer in found], traced)
    layers = [
        ListedLayer(e, n, fields.get(e.result, ())) for e, n in zip(found, counts, strict=True)
    ]
    kernels = kernels_of(prepared.planner.steps, "x", "by definition")
    for node in program.graph.nodes:  # a step of another layer does these along the way
        if isinstance(node.operator, Pointwise | Normalize):
            kernels.setdefault(node.path, "fused")
    names, kinds, along = zip(
        *((each.layer.name, each.layer.kind, each.layer.along) for each in layers), strict=True
    )
    rows = [
        _row(_named(line.name, line.kind), layers[line.rows], kernels)
        for line in abridged(names, kinds, along, most)
    ]
    inputs = traced.graph.inputs[traced.arguments :][: len(traced.parameters)]
    held = sum(size_in_bytes(value.spec) for value in inputs)
    totals = [
        f"{sum(layer.parameters for layer in layers):,} parameters ({bytes_text(held)}), "
        f"{traced.graph.cost():,} multiply-adds for one image",
        f"working memory {bytes_text(prepared.arena.bytes)}; {_natively(program)}",
    ]
    return rows, totals


@dataclass(frozen=True)
class ListedLayer:
    """A layer with what the table says of it beside: its parameters, and what it sees."""

    layer: RecordedLayer
    parameters: int
    field: Field


def _named(name: str, kind: str) -> str:
    """A layer in a bounded number of letters, whatever a file calls it."""
    kind = printable(kind, LONGEST_KIND)
    return f"{without_middle(printable(name), LONGEST_NAME)} ({kind})" if name else kind


def _row(
    name: str, layers: Sequence[ListedLayer], kernels: Mapping[str | None, str]
) -> tuple[str, ...]:
    """The cells of a row for a layer, or for several: what the last of them returns."""
    last = layers[-1]
    used = [kernels.get(each.layer.path, "-") for each in layers]
    results = [each.layer.result for each in layers]
    working = dict.fromkeys(each for each in used if each not in ("fused", "-"))
    sees = " x ".join(str(reach.size) for reach in last.field)
    strides = [str(reach.stride) for reach in last.field if reach.along is not None]
    return (
        name,
        printable(", ".join(working) or used[0], LONGEST_KERNEL),
        " x ".join(map(str, results[-1].shape[1:])),
        f"{sum(each.parameters for each in layers):,}",
        f"{sum(each.layer.multiply_adds for each in layers):,}",
        bytes_text(max(size_in_bytes(value.spec) for value in results)),
        sees or "-",
        " x ".join(strides) or "-",
    )


def _natively(program: Program) -> str:
    from allconv.engine.step import DefinitionStep

    slow = sum(isinstance(step, DefinitionStep) for step in program.steps())
    steps = len(program.steps())
    if not slow:
        return f"{steps} steps in one native call"
    return f"{steps} steps, {slow} of them slow, by definition"
