"""Planning: from a graph to a list of steps on places in memory.

For every node the planner calls the lowering of its operator (see `kernels`), which asks where its
operands lie (`read`), says where its results shall lie (`result`, or `alias` where nothing needs to
move) and adds steps (`step`), each with the places that it reads and writes. A node without a
lowering becomes a step that runs its definition. Steps that depend on static inputs alone are kept
apart (see `once`): they run once, when those are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from allconv.engine.arguments import Arguments
from allconv.engine.buffer import aligned
from allconv.engine.choose import Choice, choose
from allconv.engine.fuse import FusedGroup, fuse
from allconv.engine.kernel import Kernel
from allconv.engine.layout import parts
from allconv.engine.place import Place, Storage, layout_strides, size_in_bytes
from allconv.engine.step import (
    Address,
    Argument,
    DefinitionStep,
    KernelStep,
    PlanStep,
    split_setup,
)
from allconv.engine.target import Target, host
from allconv.graph import Graph, Node
from allconv.operators.arrange import Reshape
from allconv.operators.base import Array, Operator, Spec
from allconv.value import Value

COPIED = (4, 8)  # the bytes of a number that the kernel of copies moves
KERNEL_DTYPES = ("float32", "float64", "int32", "int64")

Lowering: TypeAlias = Callable[["Planner", Node], bool]


@dataclass(frozen=True)
class Lowerings:
    """What kernels offer a planner: the lowering of operators, copies from place to place."""

    of: Mapping[type[Operator], Lowering]
    copy: Callable[[Planner, Place, Place], None]


@dataclass(eq=False)
class Planner:
    """The state of planning one graph.

    `layouts` says how each operand, input or constant, of rank above 2 lies ("rows" or "last");
    `static` are the numbers of those that are bound once. With `keep_last` image outputs may be
    views of channels-last memory, else they are copied to row-major order. `choices` names the
    algorithm of nodes that have several (None: they are chosen now).
    """

    lowerings: Lowerings
    graph: Graph
    layouts: Sequence[str]
    static: frozenset[int] = frozenset()
    keep_last: bool = True
    exact: bool = False
    target: Target = field(default_factory=host)
    choices: Mapping[Node, Choice] | None = None

    def __post_init__(self) -> None:
        self.places: dict[Value, Place] = {}
        self.steps: list[PlanStep] = []  # of every run
        self.setup: list[PlanStep] = []  # of the first run after static inputs were bound
        self.constants: dict[Storage, Array] = {}
        self.outputs: list[Place] = []
        self.absorbed: set[Node] = set()  # nodes that an earlier step computes along the way
        chosen = self.choices
        self._choices = choose(self.graph, self.target, self.exact) if chosen is None else chosen
        self.groups = fuse(self.graph)
        self.parts = parts(self.graph, self.groups)
        self._static = _depend_on(self.graph, self.static)
        self._users = self.graph.users()
        self._producers = {v: node for node in self.graph.nodes for v in node.outputs}
        self._numbers = {v: n for n, v in reversed(list(enumerate(self.graph.outputs)))}
        self._copies: dict[tuple[Value, str], Place] = {}
        self._what = ""
        self._path = ""
        self._why = ""

    def run(self) -> Planner:
        """Plan the whole graph."""
        operands = (*self.graph.inputs, *self.graph.constants)
        for number, (value, layout) in enumerate(zip(operands, self.layouts, strict=True)):
            storage = Storage("input", size_in_bytes(value.spec), number)
            self.places[value] = Place(storage, value.spec, layout_strides(value.spec, layout))
        for node in self.graph.nodes:
            group = self.group(node)
            if node is group.last and node not in self.absorbed:
                choice = self._choices.get(group.root)
                self._what, self._path = str(group), group.root.path
                self._why = "" if choice is None else f"{choice.algorithm}: {choice.why}"
                self._lower(group)
        self._what, self._path, self._why = "output", "", ""
        self.outputs = [self._finish(n, v) for n, v in enumerate(self.graph.outputs)]
        self.setup, self.steps = split_setup(self.steps, self.static)
        return self

    def group(self, node: Node) -> FusedGroup:
        """The nodes that are computed together with one."""
        return self.groups.get(node) or FusedGroup(node)

    def _lower(self, group: FusedGroup) -> None:
        """Steps for a group, or for each of its nodes by itself where its root has no kernel."""
        root = group.root
        lower = self.lowerings.of.get(type(root.operator))
        if lower is not None and self._fits_kernels(root) and lower(self, root):
            return
        for node in (*group.before, root, *group.rest):
            self.groups.pop(node, None)
            if node is root:
                self._define(node)
            else:
                self._lower(FusedGroup(node))

    @staticmethod
    def _fits_kernels(node: Node) -> bool:
        """Whether there can be a kernel for a node's values."""
        values = (*node.inputs, *node.outputs)
        return all(value.dtype in KERNEL_DTYPES for value in values)

    def read(self, value: Value, layout: str | None = None) -> Place:
        """Where a value lies; copied first unless it lies in the layout asked for."""
        place = self.places[value]
        if layout is None or place.has(layout):
            return place
        key = (value, layout)
        if key not in self._copies:
            self._copies[key] = self.copied(place, layout)
        return self._copies[key]

    def result(self, value: Value, layout: str = "last") -> Place:
        """Memory for a result, contiguous in a layout: in the output array itself if it is one.

        What is laid out as a part of another value lies there, if the layout is "last".
        """
        if value in self.parts and layout == "last":
            whole, channel = self.parts[value]
            outer = self.places.get(whole) or self.result(whole)
            self.places[value] = outer.viewed(
                value.shape, outer.strides, channel * outer.strides[1]
            )
            return self.places[value]
        number = self._numbers.get(value)
        spec = value.spec
        direct = number is not None and (self.keep_last or layout == "rows" or spec.rank < 3)
        storage = Storage("output" if direct else "arena", size_in_bytes(spec), number or 0)
        place = Place(storage, spec, layout_strides(spec, layout))
        self.places[value] = place
        return place

    def ends_in_rows(self, value: Value) -> bool:
        """Whether a value is returned in row-major order, and nothing else reads it."""
        ends = value in self._numbers and not self._users.get(value)
        return ends and not self.keep_last and value.spec.rank > 2

    def alias(self, value: Value, place: Place) -> None:
        """Alias a result to memory that holds it already."""
        self.places[value] = place

    def temporary(self, shape: tuple[int, ...], dtype: str) -> Place:
        """Memory for an array in row-major order, until the last step that uses it."""
        spec = Spec(shape, dtype)
        return Place(Storage("arena", size_in_bytes(spec)), spec, layout_strides(spec, "rows"))

    def constant(self, array: Array) -> Place:
        """An array that is known now."""
        memory = aligned(array.nbytes).view(array.dtype).reshape(array.shape)
        memory[...] = array
        storage = Storage("constant", array.nbytes)
        self.constants[storage] = memory
        spec = Spec.of(array)
        return Place(storage, spec, layout_strides(spec, "rows"))

    def copied(self, place: Place, layout: str) -> Place:
        """A copy in a layout."""
        storage = Storage("arena", size_in_bytes(place.spec))
        target = Place(storage, place.spec, layout_strides(place.spec, layout))
        what, self._what = self._what, f"copy to {layout}"
        self.lowerings.copy(self, place, target)
        self._what = what
        return target

    def step(
        self,
        kernel: Kernel,
        arguments: Arguments[Argument],
        *,
        writes: Sequence[Place],
        reads: Sequence[Place] | None = None,
        chunks: int = 1,
        scratch: int = 0,
        what: str = "",
    ) -> None:
        """Add a step; `writes` are the places that it fills.

        It reads the places among its arguments that it does not write; `reads` names them where
        what it reads are other boxes than those.
        """
        if chunks < 1:
            return
        numbers = arguments.numbers()
        if reads is None:
            written = {place.storage for place in writes}
            places = [each for each in numbers.values() if isinstance(each, Place)]
            reads = [place for place in places if place.storage not in written]
        values = {
            name: Address(each.storage, each.offset) if isinstance(each, Place) else each
            for name, each in numbers.items()
        }
        self.steps.append(
            KernelStep(
                kernel, values, chunks, scratch, what or self._what, self._path,
                tuple(reads), tuple(writes), self._why,
            )
        )  # fmt: skip

    def algorithm(self, node: Node) -> str:
        """The name of the algorithm that was chosen for a node, if one was."""
        choice = self._choices.get(node)
        return "" if choice is None else choice.algorithm

    def is_static(self, value: Value) -> bool:
        """Whether a value depends on static operands alone."""
        return value in self._static

    def producer(self, value: Value) -> Node | None:
        """The node that computes a value (None for inputs)."""
        return self._producers.get(value)

    def sole_user(self, value: Value) -> Node | None:
        """The only node that reads a value, if there is just one and it is no output."""
        users = self._users.get(value, [])
        return users[0] if len(users) == 1 and value not in self._numbers else None

    def _define(self, node: Node) -> None:
        inputs = tuple(self.read(value) for value in node.inputs)
        outputs = tuple(self.result(value, "rows") for value in node.outputs)
        self.steps.append(DefinitionStep(node, inputs, outputs))

    def _finish(self, number: int, value: Value) -> Place:
        """An output in its own array."""
        place = self.places[value]
        if place.storage.kind == "output" and place.storage.number == number:
            return place
        layout = "last" if self.keep_last and place.has("last") else "rows"
        storage = Storage("output", size_in_bytes(value.spec), number)
        target = Place(storage, value.spec, layout_strides(value.spec, layout))
        if place.item not in COPIED:
            node = Node(Reshape(value.shape), (value,), (value,))
            self.steps.append(DefinitionStep(node, (place,), (target,)))
        else:
            self.lowerings.copy(self, place, target)
        return target


def _depend_on(graph: Graph, numbers: Collection[int]) -> set[Value]:
    """The values that depend on these operands alone, the inputs and then the constants counted."""
    operands = (*graph.inputs, *graph.constants)
    known = {operands[number] for number in numbers}
    for node in graph.nodes:
        if known.issuperset(node.inputs):
            known.update(node.outputs)
    return known
