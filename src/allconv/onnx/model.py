"""What a file says, as plain values: checked, and without a trace of the format's own classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from allconv.errors import UnsupportedError
from allconv.operators.base import Array

Sizes = tuple[int | str | None, ...]
"""A shape as a file declares it: a size that is open has a name, or is None."""


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One use of an operator of the format. An input or output that is left out is named ""."""

    op: str
    domain: str
    version: int
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    tag: str = ""
    refusal: UnsupportedError | None = None

    @property
    def label(self) -> str:
        """How messages and plans name it: "features/0 (Conv)"; by its output if it has no name."""
        name = self.name or next(filter(None, self.outputs), "")
        return f"{name} ({self.op})" if name else self.op

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """The graphs inside the node."""
        return tuple(each for each in self.attributes.values() if isinstance(each, Branch))

    @cached_property
    def uses(self) -> tuple[str, ...]:
        """The names that the node takes, those of the graphs inside it that lie outside, too."""
        return (*self.inputs, *chain.from_iterable(each.outside for each in self.branches))

    def __repr__(self) -> str:
        return f"OnnxNode({self.label}: {', '.join(self.inputs)} -> {', '.join(self.outputs)})"


@dataclass(frozen=True, eq=False)
class Branch:
    """A graph inside a node, for `If`: what it makes of values around it, without inputs.

    `outside` are the names from around it that it uses.
    """

    nodes: tuple[OnnxNode, ...]
    outputs: tuple[str, ...]
    arrays: Mapping[str, Array]
    outside: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Branch({len(self.nodes)} nodes -> {', '.join(self.outputs)})"


@dataclass(frozen=True)
class Input:
    """An array that the network takes: a size that may be any is None, and so is a shape.

    Some exporters declare a batch of any size as 0, so it is None; `empty` says that it was 0.
    A `static` one holds integers, truth values or settings, which must be known while a network is
    recorded.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    empty: bool = False
    static: bool = False


@dataclass(frozen=True)
class Declared:
    """An input or output as the file declares it: `type` as ONNX Runtime names it."""

    name: str
    shape: Sizes | None
    type: str

    @property
    def dtype(self) -> str:
        """The format's name of the dtype: "float" for "tensor(float)"."""
        return self.type[len("tensor(") : -1]


@dataclass(frozen=True)
class About:
    """What a file says about itself."""

    producer: str = ""
    graph: str = ""
    domain: str = ""
    version: int = 0
    doc: str = ""
    graph_doc: str = ""


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A network as a file holds it.

    `nodes` come in an order in which they can be computed. `arrays` are the initializers by name;
    of these `parameters` and `buffers` can be replaced, the others are settings of nodes.
    `declared` are the inputs and `results` the outputs in the file's words; `notes` say what is
    computed in another dtype than the file has, `converted` that arrays were.
    """

    inputs: tuple[Input, ...]
    nodes: tuple[OnnxNode, ...]
    outputs: tuple[str, ...]
    arrays: Mapping[str, Array]
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    opset: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    preprocess: str | None = None
    declared: tuple[Declared, ...] = ()
    results: tuple[Declared, ...] = ()
    about: About = About()
    notes: tuple[str, ...] = ()
    converted: bool = False

    @property
    def refused(self) -> list[OnnxNode]:
        """The nodes that are not read."""
        return [node for node in self.nodes if node.refusal]

    def __repr__(self) -> str:
        return f"OnnxModel({len(self.nodes)} nodes, opset {self.opset}, {len(self.arrays)} arrays)"

    def __deepcopy__(self, memo: dict[int, Any]) -> OnnxModel:
        return self  # nothing in it is ever written
