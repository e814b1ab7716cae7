"""The layers of a network as rows of a table: what `allconv inspect` shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allconv.text import bytes_text

if TYPE_CHECKING:
    from allconv.analysis.fields import Field
    from allconv.engine.program import Program
    from allconv.engine.step import PlanStep
    from allconv.graph import Node
    from allconv.nn import Module
    from allconv.trace import Recorded
    from allconv.value import Value

HEAD = (
    "layer", "kernel", "output", "parameters", "multiply-adds", "memory", "sees", "stride"
)  # fmt: skip
MOVING = ("Copy", "Pack")  # kernels that only bring data into place
ITEM = {"float32": 4, "float64": 8}


def describe(net: Module, shape: tuple[int, ...]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows of a network for an input of a shape, and lines with the totals."""
    from allconv.analysis.receptive import receptive_fields
    from allconv.engine.program import Program
    from allconv.nn.tracing import network_dtype, trace_module
    from allconv.operators.base import Spec
    from allconv.operators.normalize import Normalize
    from allconv.operators.pointwise import Pointwise

    dtype = network_dtype(net)
    traced = trace_module(net, Spec(shape, dtype))
    program = Program(traced.graph, static=traced.state_places)
    prepared = program.prepare()
    layers = _layers(net, traced, receptive_fields(traced.graph))
    fused = {n.path for n in program.graph.nodes if isinstance(n.operator, Pointwise | Normalize)}
    kernels = _kernels(prepared.planner.steps, fused)
    rows = [layer.row(kernels.get(layer.path, "-")) for layer in layers]
    held = sum(value.spec.size for value in _parameters(traced)) * ITEM[dtype]
    totals = [
        f"{sum(layer.parameters for layer in layers):,} parameters ({bytes_text(held)}), "
        f"{traced.graph.cost():,} multiply-adds for one image",
        f"working memory {bytes_text(prepared.arena.bytes)}; {_natively(program)}",
    ]
    return rows, totals


@dataclass(frozen=True)
class Layer:
    """One layer: where it is, what it returns, holds, costs and sees."""

    path: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int
    bytes: int
    field: Field

    def row(self, kernel: str) -> tuple[str, ...]:
        """The cells of the table."""
        sees = " x ".join(str(reach.size) for reach in self.field)
        strides = [str(reach.stride) for reach in self.field if reach.along is not None]
        return (
            self.path,
            kernel,
            " x ".join(map(str, self.output[1:])),
            f"{self.parameters:,}",
            f"{self.multiply_adds:,}",
            bytes_text(self.bytes),
            sees or "-",
            " x ".join(strides) or "-",
        )


def _layers(net: Module, traced: Recorded, fields: dict[Value, Field]) -> list[Layer]:
    """Layers in the order of their calls; those that do nothing in inference, too."""
    groups: dict[str, list[Node]] = {}
    results: dict[str, Value] = {}
    leaves = {
        f"{name} ({type(module).__name__})"
        for name, module in net.named_modules()
        if name and len(list(module.named_modules())) == 1
    }
    for path, result in traced.shapes:
        if path in leaves:
            groups[path], results[path] = [], result
    for node in traced.graph.nodes:
        groups.setdefault(node.path, []).append(node)
    own = set(_parameters(traced))
    layers = []
    for path, nodes in groups.items():
        value = nodes[-1].outputs[0] if nodes else results[path]
        used = own.intersection(value for node in nodes for value in node.inputs)
        own -= used  # shared parameters count once
        cost = sum(node.operator.cost(*(v.spec for v in node.inputs)) for node in nodes)
        layers.append(
            Layer(
                path=path,
                output=value.shape,
                parameters=sum(value.spec.size for value in used),
                multiply_adds=cost,
                bytes=value.spec.size * ITEM.get(value.dtype, 8),
                field=fields.get(value, ()),
            )
        )
    return layers


def _parameters(traced: Recorded) -> tuple[Value, ...]:
    return traced.graph.inputs[1 : 1 + len(traced.parameters)]


def _kernels(steps: Iterable[PlanStep], fused: set[str]) -> dict[str, str]:
    """What runs each layer, by path; "fused": a step of another layer does it along the way."""
    from allconv.engine.step import KernelStep

    names: dict[str, list[str]] = {}
    for step in steps:
        if isinstance(step, KernelStep):
            tile = getattr(step.kernel, "tile", ())
            name = type(step.kernel).__name__ + (f" {'x'.join(map(str, tile))}" if tile else "")
            names.setdefault(step.path, []).append(name)
        else:
            names.setdefault(step.node.path, []).append("by definition")
    told = dict.fromkeys(fused, "fused")
    for path, found in names.items():
        working = [name for name in found if name not in MOVING]
        told[path] = ", ".join(dict.fromkeys(working or found))
    return told


def _natively(program: Program) -> str:
    from allconv.engine.step import DefinitionStep

    slow = sum(isinstance(step, DefinitionStep) for step in program.steps())
    steps = len(program.steps())
    if not slow:
        return f"{steps} steps in one native call"
    return f"{steps} steps, {slow} of them slow, by definition"
