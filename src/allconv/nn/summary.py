"""What a network is made of, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from allconv.intake.settings import shape_of
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Spec

if TYPE_CHECKING:
    from allconv.nn.module import Module


@dataclass(frozen=True)
class Row:
    """One layer: where it is, what it is, what it returns, holds and costs."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """The layers of a network in the order of their calls, and the totals."""

    rows: tuple[Row, ...]
    parameters: int
    multiply_adds: int

    def __str__(self) -> str:
        table = [("layer", "kind", "output", "parameters", "multiply-adds")]
        for row in self.rows:
            shape = " x ".join(map(str, row.output))
            numbers = f"{row.parameters:,}", f"{row.multiply_adds:,}"
            table.append((row.name, row.kind, shape, *numbers))
        table.append(("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(len(line[column]) for line in table) for column in range(5)]
        lines = []
        for line in table:
            left = [text.ljust(width) for text, width in zip(line[:3], widths, strict=False)]
            right = [text.rjust(w) for text, w in zip(line[3:], widths[3:], strict=True)]
            lines.append("  ".join([*left, *right]).rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from allconv.nn.shown import summary_html

        return summary_html(self)


def summarize(net: Module, shapes: Sequence[tuple[int, ...]]) -> Summary:
    """The summary of a network for inputs of these shapes, in inference."""
    places = net.named_places()
    sizes = [shape_of("a shape", shape) for shape in shapes]
    dtype = network_dtype(net)
    recorded = trace_module(net, *(Spec(shape, dtype) for shape in sizes))
    modules = {f"{n} ({type(m).__name__})": (n, m) for n, m in net.named_modules() if n}
    modules[type(net).__name__] = ("", net)
    rows = []
    for path, result in dict(recorded.shapes).items():
        name, module = modules.get(path, (path, None))
        if module is not None and not module._children():
            own = [place for place in module._places().values() if place.trainable]
            cost = _cost(recorded.graph, path if name else "")
            held = sum(prod(place.spec.shape) for place in own)
            rows.append(Row(name, type(module).__name__, _shape(result), held, cost))
    total = sum(prod(place.spec.shape) for place in places.values() if place.trainable)
    return Summary(tuple(rows), total, recorded.graph.cost())


def _cost(graph: Any, path: str) -> int:
    nodes = (node for node in graph.nodes if node.path == path)
    return sum(node.operator.cost(*(value.spec for value in node.inputs)) for node in nodes)


def _shape(result: Any) -> tuple[int, ...]:
    return tuple(getattr(result, "shape", ()))
