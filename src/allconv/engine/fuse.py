"""Fusing: which nodes one lowering computes together, decided on the graph before anything lies
anywhere.

A group is a convolution and what follows it cell by cell: normalisation by running statistics,
activations, a residual. A convolution by single cells also takes what comes before it, as in a
DenseNet. Only the result of a group is ever written (see `epilogue`). Pooling stays a step of its
own: what it would save is in the README beside this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allconv.engine.epilogue import OPERANDS, kind_of
from allconv.engine.expression import EMITTERS
from allconv.graph import Graph, Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import Local, LocalTranspose
from allconv.operators.normalize import Normalize
from allconv.value import Value

ROOTS: tuple[type[Operator], ...] = (Correlate, CorrelateTranspose, Local, LocalTranspose)
LINES = 12  # of an epilogue
FEW = 8  # channels of a group, below which images are read where they lie
OF_NORMALIZE = 3  # operands: mean, scale and shift


@dataclass(frozen=True, eq=False)
class FusedGroup:
    """A root, and the nodes that its kernel computes on its result and on its input, in order."""

    root: Node
    rest: tuple[Node, ...] = ()
    before: tuple[Node, ...] = ()

    @property
    def last(self) -> Node:
        """The node whose result is written."""
        return self.rest[-1] if self.rest else self.root

    @property
    def result(self) -> Value:
        """What is written."""
        return self.last.outputs[0]

    def __str__(self) -> str:
        nodes = (*self.before, self.root, *self.rest)
        return " + ".join(node.operator.name for node in nodes)

    @property
    def source(self) -> Value:
        """What the root, or what comes before it, reads."""
        value = self.root.inputs[0]
        source = _image(self.before[0], value) if self.before else value
        return value if source is None else source


def fuse(graph: Graph) -> dict[Node, FusedGroup]:
    """The group of every node that is in one; each is computed where its last node stands.

    There everything that it reads is known: what its nodes take besides its own values comes from
    nodes before them.
    """
    fusing = _Fusing(graph)
    for node in graph.nodes:
        if isinstance(node.operator, ROOTS) and node.outputs[0].spec.is_float:
            group = FusedGroup(node, fusing.epilogue(node), fusing.prologue(node))
            fusing.groups.update(dict.fromkeys((*group.before, node, *group.rest), group))
    return fusing.groups


class _Fusing:
    """The groups of a graph while they are made, in the order of their roots."""

    def __init__(self, graph: Graph) -> None:
        self.outputs = graph.outputs
        self.numbers = {node: number for number, node in enumerate(graph.nodes)}
        self.producers = {value: node for node in graph.nodes for value in node.outputs}
        self.users = graph.users()
        self.groups: dict[Node, FusedGroup] = {}

    def epilogue(self, root: Node) -> tuple[Node, ...]:
        """The longest run of nodes after a root of whose values only the last is read elsewhere.

        They are taken in the order of the graph, so whatever else a node reads does not come from
        the root by another way.
        """
        known: list[Value] = [root.outputs[0]]
        taken: list[Node] = []
        found = 0
        while True:
            readers = {node for value in known for node in self.users.get(value, ())}
            left = sorted(readers.difference(taken), key=self.numbers.__getitem__)
            outside = {v for node in left for v in node.inputs}.union(self.outputs)
            if outside.isdisjoint(known[:-1]):
                found = len(taken)
            if not left or left[0] in self.groups or not _joins(left[0], known, taken):
                return tuple(taken[:found])
            taken.append(left[0])
            known.append(left[0].outputs[0])

    def prologue(self, root: Node) -> tuple[Node, ...]:
        """The nodes that lead to the input of a root and that nobody else reads.

        Only where no window leaves the input: padding is 0 whatever comes before.
        """
        if not isinstance(root.operator, Correlate):
            return ()
        plain = all((axis.kernel, axis.padding) == (1, 0) for axis in root.operator.window.axes)
        value = root.inputs[0]
        if not plain or value.shape[1] // root.operator.groups < FEW:
            return ()
        taken: list[Node] = []
        while True:
            node = self.producers.get(value)
            alone = len(self.users.get(value, ())) == 1 and value not in self.outputs
            if node is None or node in self.groups or not alone or len(node.outputs) > 1:
                break
            source = _image(node, value)
            if source is None:
                break
            known = [source, value, *(each.outputs[0] for each in taken)]
            if len(taken) == LINES or _count_operands([node, *taken], known) > OPERANDS:
                break
            taken.insert(0, node)
            value = source
        return tuple(taken)


def _image(node: Node, value: Value) -> Value | None:
    """The one operand of a node before `value` that is an image like it, if the others are numbers
    for its channels."""
    if isinstance(node.operator, Normalize):
        return node.inputs[0]
    images = [each for each in node.inputs if each.spec == value.spec]
    others = {kind_of(each.shape, value.shape) for each in node.inputs if each not in images}
    fits = type(node.operator) in EMITTERS and len(images) == 1 and others <= {"s", "c"}
    return images[0] if fits else None


def _joins(node: Node, known: Sequence[Value], taken: Sequence[Node]) -> bool:
    """Whether an epilogue can take one more node."""
    if len(node.outputs) > 1 or len(taken) == LINES or node.outputs[0].spec != known[0].spec:
        return False
    if isinstance(node.operator, Normalize):
        if node.inputs[0] not in known:
            return False
    elif type(node.operator) not in EMITTERS:
        return False
    return _count_operands((*taken, node), known) <= OPERANDS


def _count_operands(nodes: Sequence[Node], known: Sequence[Value]) -> int:
    """How many operands nodes have besides the values of their group; too many if one has a shape
    that no epilogue reads."""
    count, others = 0, set[Value]()
    for node in nodes:
        if isinstance(node.operator, Normalize):
            count += OF_NORMALIZE
        else:
            others.update(value for value in node.inputs if value not in known)
    if any(kind_of(value.shape, known[0].shape) is None for value in others):
        return OPERANDS + 1
    return count + len(others)
