"""What a file says, as plain values: checked, and without a trace of the format's own classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allconv.operators.base import Array


@dataclass(frozen=True, eq=False)
class Node:
    """One use of an operator of the format. An input or output that is left out is named ""."""

    op: str
    domain: str
    version: int
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    tag: str = ""

    @property
    def label(self) -> str:
        """How messages and plans name it: "features/0 (Conv)"."""
        return f"{self.name} ({self.op})" if self.name else self.op


@dataclass(frozen=True)
class Input:
    """An array that the network takes: a size that may be any is None, and so is a shape.

    Some exporters declare a batch of any size as 0, so it is None; `empty` says that it was 0.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    empty: bool = False


@dataclass(frozen=True, eq=False)
class Model:
    """A network as a file holds it.

    `nodes` come in an order in which they can be computed. `arrays` are the initializers by name;
    of these `parameters` and `buffers` can be replaced, the others are settings of nodes.
    """

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    arrays: Mapping[str, Array]
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    opset: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    preprocess: str | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self  # nothing in it is ever written
