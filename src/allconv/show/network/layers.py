"""What is drawn: layers in an order in which they can be computed, and what each of them takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from allconv.graph import Node
from allconv.text import printable
from allconv.value import Value

Shape = tuple[int | str | None, ...]
"""Sizes as far as they are known: a number, a name that the file gives it, or None."""

LONGEST_NAME = 120
LONGEST_NOTE = 600
INPUT, OUTPUT = "Input", "Output"


@dataclass(frozen=True)
class Source:
    """What a layer takes from the layer of a number."""

    layer: int
    shape: Shape | None


@dataclass(frozen=True)
class DrawnLayer:
    """A box of the drawing.

    name       as the file has it, split into groups at "/" and "."
    sources    the layers before it; their numbers are below its own
    outputs    the shapes of its results, None where they are not known
    parameters how many numbers it holds itself
    note       what the file says of it in words
    refusal    why it cannot run here
    settings   what the operator is told, as text by name
    nodes      the nodes of a recorded graph that compute it; none where nothing is to be computed
    value      what it gives, in that graph
    """

    number: int
    name: str
    operator: str
    sources: tuple[Source, ...] = ()
    outputs: tuple[Shape | None, ...] = ()
    parameters: int = 0
    note: str = ""
    refusal: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    value: Value | None = None

    @property
    def key(self) -> str:
        """Its address on the page."""
        return f"layer-{self.number}"

    @property
    def is_end(self) -> bool:
        """Whether it is an input or an output of the network."""
        return self.operator in (INPUT, OUTPUT)

    @property
    def title(self) -> str:
        """How it is called in a line of text."""
        name, operator = shown_name(self.name), shown_name(self.operator)
        return f"{name} ({operator})" if name else operator


class Drawn:
    """Layers as they are met, and what is known of each name: who makes it, and its shape."""

    def __init__(self) -> None:
        self.layers: list[DrawnLayer] = []
        self.shapes: dict[str, Shape] = {}
        self._makers: dict[str, int] = {}

    def add(self, layer: DrawnLayer, taken: Iterable[str], made: Iterable[str]) -> None:
        """Give a layer its number and its lines."""
        number = len(self.layers)
        sources = tuple(
            Source(self._makers[name], self.shapes.get(name))
            for name in taken
            if name in self._makers
        )
        self.layers.append(replace(layer, number=number, sources=sources))
        self._makers.update((name, number) for name in made)


@dataclass(frozen=True)
class DrawnNetwork:
    """A network as it is drawn.

    refusal  why it cannot run here; empty where it can
    note     what the file says of itself in words
    """

    title: str
    layers: tuple[DrawnLayer, ...]
    refusal: str = ""
    note: str = ""

    def users(self) -> dict[int, list[int]]:
        """The numbers of the layers that take what each layer gives."""
        found: dict[int, list[int]] = {layer.number: [] for layer in self.layers}
        for layer in self.layers:
            for source in dict.fromkeys(each.layer for each in layer.sources):
                found[source].append(layer.number)
        return found


def shown_name(name: str) -> str:
    """A name from a file, on one line and of bounded length."""
    return printable(name, LONGEST_NAME)


def shown_note(note: str) -> str:
    """A text from a file, of bounded length."""
    return printable(" ".join(note.split()), LONGEST_NOTE)


def shape_text(shape: Sequence[int | str | None] | None) -> str:
    """A shape as it is written beside a line.

    >>> shape_text((1, 3, None)), shape_text(()), shape_text(None)
    ('1×3×?', 'one number', '')
    """
    if shape is None:
        return ""
    sizes = ["?" if n is None else printable(str(n), 12) for n in shape]
    return "×".join(sizes) or "one number"
