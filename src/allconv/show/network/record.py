"""A network that can run, as it is drawn: its layers, each with the nodes that compute it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from allconv.analysis.fields import Field
from allconv.analysis.receptive import receptive_fields
from allconv.engine.place import size_in_bytes
from allconv.engine.program import Program
from allconv.engine.step import KernelStep, PlanStep
from allconv.graph import Node
from allconv.nn.module import Module
from allconv.nn.summary import parameters_of
from allconv.nn.tracing import network_dtype, trace_module
from allconv.onnx.model import OnnxNode as FileNode
from allconv.onnx.module import OnnxModule
from allconv.operators.base import Array, Spec
from allconv.show.network.layers import INPUT, OUTPUT, Drawn, DrawnLayer, DrawnNetwork, Source
from allconv.show.network.read import Described
from allconv.trace import Recorded
from allconv.value import Value

MOVING = ("Copy", "Pack")  # kernels that only bring data into place
_PASSING = ("Identity", "Dropout", "Cast", "Reshape", "Flatten", "Transpose")


@dataclass(frozen=True)
class Facts:
    """What is known of a layer that can run, for one image.

    `kernels` says what runs it; `why` which algorithm and for which reason; `seconds` how long,
    where that was measured.
    """

    multiply_adds: int
    bytes: int
    field: Field
    kernels: str
    why: str = ""
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class RunnableNetwork:
    """A network that can run: what was recorded, for one image, and the numbers that it holds.

    `fields` says what a unit of each layer sees, by the layer's number; inputs have one, too.
    """

    network: DrawnNetwork
    recorded: Recorded
    program: Program
    state: Mapping[str, Array]
    facts: Mapping[int, Facts] = field(default_factory=dict)
    fields: Mapping[int, Field] = field(default_factory=dict)

    @property
    def arrays(self) -> list[Array]:
        """The numbers that the network holds, as its program takes them after the image."""
        return [self.state[name] for name in self.recorded.state]

    def held(self, value: Value) -> Array | None:
        """The numbers of a value that the network holds; None of one that is computed."""
        inputs = self.recorded.graph.inputs
        for place in self.recorded.state_places:
            if inputs[place] is value:
                return self.state[self.recorded.state[place - self.recorded.arguments]]
        return self.recorded.graph.constants.get(value)


def record_network(
    net: Module, shape: tuple[int, ...], title: str, said: Described | None = None, note: str = ""
) -> RunnableNetwork:
    """A network recorded for an input of a shape.

    `said` is what its file says of nodes, `note` what it says of itself.
    """
    spec = Spec(shape, network_dtype(net))
    if isinstance(net, OnnxModule):
        recorded = trace_module(_numbered(net), spec)
        layers = _file_layers(net, net.model.nodes, recorded, said)
    else:
        recorded = trace_module(net, spec)
        layers = _module_layers(net, recorded)
    counts = parameters_of([layer.nodes for layer in layers], recorded)
    counted = (replace(layer, parameters=n) for layer, n in zip(layers, counts, strict=True))
    network = DrawnNetwork(title, tuple(counted), note=note)
    program = Program(recorded.graph, static=recorded.state_places)
    run = RunnableNetwork(network, recorded, program, net.state_dict())
    fields = receptive_fields(recorded.graph)
    known = [(each.number, fields.get(each.value, ())) for each in layers if each.value is not None]
    run = replace(run, fields=dict(known))
    return replace(run, facts=_facts(run))


def with_seconds(run: RunnableNetwork, seconds: Mapping[str, float]) -> RunnableNetwork:
    """The same with the measured times, which are given by the path of a layer's nodes."""
    facts = dict(run.facts)
    for layer in run.network.layers:
        paths = dict.fromkeys(node.path for node in layer.nodes)
        found = [seconds[path] for path in paths if path in seconds]
        if found and layer.number in facts:
            facts[layer.number] = replace(facts[layer.number], seconds=sum(found))
    return replace(run, facts=facts)


# Layers of a file: its nodes


def _numbered(net: OnnxModule) -> OnnxModule:
    """The network with numbers in place of the names of nodes, which may be missing or equal."""
    from copy import copy

    other = copy(net)
    nodes = tuple(replace(node, name=str(n)) for n, node in enumerate(net.model.nodes))
    other.__dict__["model"] = replace(net.model, nodes=nodes)
    return other


def _file_layers(
    net: OnnxModule, nodes: Sequence[FileNode], recorded: Recorded, said: Described | None
) -> list[DrawnLayer]:
    users, last = recorded.graph.users(), set(recorded.graph.outputs)
    computing: dict[str, list[Node]] = {}
    for node in recorded.graph.nodes:
        computing.setdefault(node.path, []).append(node)
    drawn = _DrawnOfFile({"", *net.model.arrays, *net.model.parameters, *net.model.buffers})
    for each, value in zip(net.model.inputs, recorded.graph.inputs, strict=False):
        drawn.add_values(DrawnLayer(0, each.name, INPUT), (), (each.name,), [value])
    for n, given in enumerate(nodes):
        made = [name for name in given.outputs if name]
        if drawn.is_constant(given.inputs):
            drawn.constants.update(made)
            continue
        found = computing.get(replace(given, name=str(n)).label, [])
        values = _results(found, users, last) or drawn.passed(given)
        first = made[0] if made else ""
        layer = DrawnLayer(
            0,
            given.name or first,
            given.op,
            note=said.notes.get(first, "") if said else "",
            settings=said.settings.get(first, {}) if said else {},
            nodes=tuple(found),
        )
        drawn.add_values(layer, given.inputs, made, values)
    for name in net.model.outputs:
        drawn.add(DrawnLayer(0, name, OUTPUT), (name,), ())
    return drawn.layers


class _DrawnOfFile(Drawn):
    """Layers of a file, the values of names in a recorded graph, and which names are constant."""

    def __init__(self, constants: Iterable[str]) -> None:
        super().__init__()
        self.constants = set(constants)
        self._values: dict[str, Value] = {}

    def is_constant(self, taken: Iterable[str]) -> bool:
        """Whether what takes these names gives the same for every image, as weights are."""
        return self.constants.issuperset(taken)

    def passed(self, node: FileNode) -> list[Value]:
        """The value of a node that gives what it takes."""
        first = node.inputs[0] if node.inputs else ""
        known = node.op in _PASSING and first in self._values
        return [self._values[first]] if known else []

    def add_values(
        self, layer: DrawnLayer, taken: Iterable[str], made: Sequence[str], values: Sequence[Value]
    ) -> None:
        """Add a layer with the values that it gives."""
        # Where there are more results than names, the last is what the others lead to.
        values = values if len(values) == len(made) else values[-1:]
        shapes = tuple(value.shape for value in values) or (None,) * len(made)
        value = values[0] if values else None
        self.add(replace(layer, outputs=shapes, value=value), taken, made)
        self._values.update(zip(made, values, strict=False))
        self.shapes.update((name, self._values[name].shape) for name in made[: len(values)])


def _results(
    nodes: Sequence[Node], users: Mapping[Value, Sequence[Node]], last: Collection[Value]
) -> list[Value]:
    """What nodes give to others, in their order; `last` are the outputs of the graph."""
    inside = set(nodes)
    return [
        value
        for node in nodes
        for value in node.outputs
        if value in last or not inside.issuperset(users.get(value, ()))
    ]


# Layers of a module: modules without modules inside, and what others compute between them


def _module_layers(net: Module, recorded: Recorded) -> list[DrawnLayer]:
    graph = recorded.graph
    leaves = {
        f"{name} ({type(module).__name__})"
        for name, module in net.named_modules()
        if name and len(list(module.named_modules())) == 1
    }
    runs: list[list[Node]] = []
    for node in graph.nodes:
        if runs and node.path in leaves and runs[-1][-1].path == node.path:
            runs[-1].append(node)
        else:
            runs.append([node])
    x = graph.inputs[0]
    layers = [DrawnLayer(0, "x", INPUT, outputs=(x.shape,), value=x)]
    makers = {x: 0}
    for run in runs:
        number, value = len(layers), run[-1].outputs[0]
        taken = dict.fromkeys(v for node in run for v in node.inputs if v in makers)
        name, _, kind = run[0].path.rpartition(" (")
        layers.append(
            DrawnLayer(
                number,
                name,
                kind.rstrip(")") if run[0].path in leaves else run[0].operator.name,
                tuple(Source(makers[v], v.shape) for v in taken),
                (value.shape,),
                nodes=tuple(run),
                value=value,
            )
        )
        makers.update((v, number) for node in run for v in node.outputs)
    for n, value in enumerate(recorded.results):
        sources = (Source(makers[value], value.shape),) if value in makers else ()
        layers.append(DrawnLayer(len(layers), f"y{n or ''}", OUTPUT, sources))
    return layers


# What all have: costs, kernels, fields


def _facts(run: RunnableNetwork) -> dict[int, Facts]:
    steps = run.program.prepare().planner.steps
    kernels, reasons = kernels_of(steps, "×", "by definition, which is slow"), _reasons(steps)
    found = {}
    for layer in run.network.layers:
        if layer.value is None or layer.is_end:
            continue
        paths = (node.path for node in layer.nodes)
        path = next((each for each in paths if each in kernels), None)
        fused = "none of its own: fused with another layer, or a view"
        found[layer.number] = Facts(
            sum(node.operator.cost(*(v.spec for v in node.inputs)) for node in layer.nodes),
            size_in_bytes(layer.value.spec),
            run.fields.get(layer.number, ()),
            kernels.get(path, fused if layer.nodes else "none: nothing is computed here"),
            reasons.get(path, ""),
        )
    return found


def kernels_of(steps: Iterable[PlanStep], times: str, slow: str) -> dict[str | None, str]:
    """By path: the kernels that run a layer, with their tiles; or that it is `slow`."""
    names: dict[str | None, list[str]] = {}
    for step in steps:
        if isinstance(step, KernelStep):
            tile = getattr(step.kernel, "tile", ())
            name = type(step.kernel).__name__ + (f" {times.join(map(str, tile))}" if tile else "")
            names.setdefault(step.path, []).append(name)
        else:
            names.setdefault(step.node.path, []).append(slow)
    return {
        path: ", ".join(dict.fromkeys([n for n in found if n not in MOVING] or found))
        for path, found in names.items()
    }


def _reasons(steps: Iterable[PlanStep]) -> dict[str | None, str]:
    """By path: which algorithms were chosen, and why."""
    reasons: dict[str | None, dict[str, None]] = {}
    for step in steps:
        if isinstance(step, KernelStep) and step.why:
            reasons.setdefault(step.path, {})[step.why] = None
    return {path: "; ".join(each) for path, each in reasons.items()}
