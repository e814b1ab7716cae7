"""What a network is made of, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from allconv.graph import Node
from allconv.intake.settings import shape_of
from allconv.nn.abridge import LONGEST_KIND, LONGEST_NAME, abridged, without_middle
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Spec
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Pointwise
from allconv.text import printable
from allconv.trace import Recorded

if TYPE_CHECKING:
    from allconv.nn.module import Module


@dataclass(frozen=True)
class SummaryRow:
    """One layer: where it is, what it is, what it returns, holds and costs.

    `along`: it works cell by cell on what the layer before returns, and can join its row.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int
    along: bool = False


@dataclass(frozen=True)
class Summary:
    """The layers of a network in the order of their calls, and the totals.

    `rows` has them all; where they are many, the text shows neighbours in one line.
    """

    rows: tuple[SummaryRow, ...]
    parameters: int
    multiply_adds: int

    def __str__(self) -> str:
        table = [("layer", "kind", "output", "parameters", "multiply-adds")]
        names = [printable(row.name) for row in self.rows]
        kinds = [printable(row.kind) for row in self.rows]
        for line in abridged(names, kinds, [row.along for row in self.rows]):
            rows = self.rows[line.rows]
            shape = " x ".join(map(str, rows[-1].output))
            numbers = sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows)
            name, kind = (
                without_middle(line.name, LONGEST_NAME),
                without_middle(line.kind, LONGEST_KIND),
            )
            table.append((name, kind, shape, f"{numbers[0]:,}", f"{numbers[1]:,}"))
        table.append(("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(len(line[column]) for line in table) for column in range(5)]
        lines = []
        for cells in table:
            left = [text.ljust(width) for text, width in zip(cells[:3], widths, strict=False)]
            right = [text.rjust(w) for text, w in zip(cells[3:], widths[3:], strict=True)]
            lines.append("  ".join([*left, *right]).rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from allconv.nn.shown import summary_html

        return summary_html(self)


def summarize(net: Module, shapes: Sequence[tuple[int, ...]]) -> Summary:
    """The summary of a network for inputs of these shapes, in inference."""
    sizes = [shape_of("a shape", shape) for shape in shapes]
    dtype = network_dtype(net)
    recorded = trace_module(net, *(Spec(shape, dtype) for shape in sizes))
    layers = layers_of(net, recorded)
    held = parameters_of([layer.nodes for layer in layers], recorded)
    rows = [
        SummaryRow(
            layer.name,
            layer.kind,
            tuple(getattr(layer.result, "shape", ())),
            parameters,
            layer.multiply_adds,
            layer.along,
        )
        for layer, parameters in zip(layers, held, strict=True)
    ]
    places = net.named_places().values()
    total = sum(prod(place.spec.shape) for place in places if place.trainable)
    return Summary(tuple(rows), total, recorded.graph.cost())


@dataclass(frozen=True, eq=False)
class RecordedLayer:
    """A layer that was recorded: `path` names it in plans, `result` is what it returned.

    `along`: it works cell by cell on what the layer before returned.
    """

    path: str
    name: str
    kind: str
    nodes: tuple[Node, ...]
    result: Any
    along: bool = False

    @property
    def multiply_adds(self) -> int:
        """The cost of its nodes."""
        nodes = self.nodes
        return sum(node.operator.cost(*(value.spec for value in node.inputs)) for node in nodes)


def parameters_of(layers: Iterable[Sequence[Node]], recorded: Recorded) -> list[int]:
    """How many numbers the nodes of each layer hold; what several share counts at the first."""
    left = set(recorded.graph.inputs[recorded.arguments :][: len(recorded.parameters)])
    counts = []
    for nodes in layers:
        held = left.intersection(value for node in nodes for value in node.inputs)
        left -= held
        counts.append(sum(value.spec.size for value in held))
    return counts


def layers_of(net: Module, recorded: Recorded) -> list[RecordedLayer]:
    """The layers in the order of their calls: modules without others inside, and nodes of files."""
    runs = list(_runs(recorded))
    modules = {f"{n} ({type(m).__name__})": (n, m) for n, m in net.named_modules() if n}
    modules[type(net).__name__] = ("", net)
    found: list[RecordedLayer] = []
    for path, result in dict(recorded.shapes).items():
        name, module = modules.get(path, (path, None))
        if module is None or module._children():
            continue
        inside = set(module._recorded_as())
        if inside:
            found += _inside(name, [run for run in runs if run[0].path in inside])
            continue
        own = path if name else ""
        nodes = tuple(node for node in recorded.graph.nodes if node.path == own)
        before = found[-1].nodes if found else ()
        found.append(
            RecordedLayer(own, name, type(module).__name__, nodes, result, _along(nodes, before))
        )
    return found


def _inside(name: str, runs: Sequence[list[Node]]) -> Iterator[RecordedLayer]:
    """The layers of a module that records them under names of their own."""
    before: Sequence[Node] = ()
    for run in runs:
        path, _, kind = run[0].path.rpartition(" (")
        inner = f"{name}.{path}" if name and path else path or name
        along = _along(run, before)
        result = run[-1].outputs[0]
        yield RecordedLayer(run[0].path, inner, kind.removesuffix(")"), tuple(run), result, along)
        before = run


def _runs(recorded: Recorded) -> Iterator[list[Node]]:
    """Neighbours of one path."""
    run: list[Node] = []
    for node in recorded.graph.nodes:
        if run and node.path != run[-1].path:
            yield run
            run = []
        run.append(node)
    if run:
        yield run


def _along(nodes: Sequence[Node], before: Sequence[Node]) -> bool:
    """Whether nodes work cell by cell on what those before return."""
    made = {value for node in before for value in node.outputs}
    cells = all(isinstance(node.operator, Pointwise | Normalize) for node in nodes)
    return cells and any(value in made for node in nodes for value in node.inputs)
