"""What the table of frameworks is made of: a row a framework, in it a row a kind of layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from allconv.conventions.layouts import Layout
from allconv.conventions.sized_layer import SizedLayer
from allconv.conventions.steps import Lines, Step, Writer
from allconv.errors import UnsupportedError

Settings = Mapping[str, Callable[[SizedLayer], Any]]
"""Their word -> what it is given; where that is None the word is left out."""


@dataclass(frozen=True)
class Call:
    """How a framework says one kind of layer.

    `text` has fields in braces: `p`, the layer; `settings`, each after a comma; and the arrays
    as `names` (x, W, B), `weights` (those but x), `quoted` ("x", "W", "B") and `fed` ("x": x).
    """

    text: str
    steps: Sequence[Step] = ()
    """What it has no word for, the outermost first."""
    settings: Settings | None = None
    """Its words, where they are others than those of the framework."""

    def lines(self, layer: SizedLayer, words: Settings) -> Lines:
        """The lines of the call alone, for a layer that it has words for."""
        chosen = words if self.settings is None else self.settings
        needed = chosen if "{settings}" in self.text else {}
        given = {word: value(layer) for word, value in needed.items()}
        names = layer.arrays
        text = self.text.format(
            p=layer,
            settings="".join(f", {word}={v!r}" for word, v in given.items() if v is not None),
            names=", ".join(names),
            weights=", ".join(names[1:]),
            quoted=", ".join(f'"{name}"' for name in names),
            fed=", ".join(f'"{name}": {name}' for name in names),
        )
        return text.split("\n")


@dataclass(frozen=True)
class Framework:
    """One framework: how it lays out arrays, what "same" means to it, and its calls.

    An import is needed where its text occurs in the lines: "" always. `steps` are those of every
    call.
    """

    title: str
    layout: Layout
    same: str
    imports: Mapping[str, str]
    settings: Settings
    steps: Sequence[Step]
    calls: Mapping[str, Call]

    def program(self, layer: SizedLayer) -> Lines:
        """The lines of a program for a layer; UnsupportedError where there is none."""
        call = next((self.calls[kind] for kind in layer.kinds if kind in self.calls), None)
        if call is None:
            raise UnsupportedError(
                f"{self.title} has no call for layers of this kind: {layer.kind}"
            )
        lines = _within([*self.steps, *call.steps], partial(call.lines, words=self.settings))(layer)
        used = [line for text, line in self.imports.items() if any(text in each for each in lines)]
        return [*used, "", *lines]


def _within(steps: Sequence[Step], write: Writer) -> Writer:
    """The writer that takes the steps, the first one outermost."""
    if not steps:
        return write
    first, *others = steps
    return lambda layer: first(layer, _within(others, write))
