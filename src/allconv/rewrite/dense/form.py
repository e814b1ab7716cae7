"""What a rewriting knows of each value: the classifier's shape, and where its numbers are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from allconv.errors import Error, ShapeError, UnsupportedError
from allconv.graph import Graph, Node
from allconv.intake.limits import MOST_WINDOW_AXES
from allconv.operators.arrange import PadEdge
from allconv.operators.correlate import Correlate
from allconv.operators.rules import Rules
from allconv.trace import Builder
from allconv.value import Value
from allconv.window import Window

MOST_GATHERED = 4096  # values of a crop that a window of ones and zeros gathers


@dataclass(frozen=True)
class Form:
    """A value of the classifier as the dense network has it for one crop.

    `shape` is the classifier's, with a batch of 1; `value` holds the same numbers in the same
    order, as (1, C, *S). Where both shapes agree it is an image; else all of a crop is meant.
    """

    value: Value
    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether cells are cells."""
        return self.shape == self.value.shape

    @property
    def is_gathered(self) -> bool:
        """Whether all numbers of a crop lie in the channels of one cell."""
        return prod(self.value.shape[2:]) == 1


class Densifier:
    """One rewriting of the graph of a classifier, recorded for a batch of 1.

    `fixed` values do not depend on the image, `forms` do.
    """

    def __init__(self, graph: Graph, rules: Rules[Rule], *, windowed: bool = False) -> None:
        shape = graph.inputs[0].shape
        if not 2 < len(shape) <= 2 + MOST_WINDOW_AXES or shape[0] != 1:
            raise ShapeError(f"the input is {shape}; (1, C, *sizes) with 1 to 3 sizes is expected")
        self.graph = graph
        self.rules = rules
        self.producers = {value: node for node in graph.nodes for value in node.outputs}
        self.builder = Builder()
        inputs = [self.builder.input(value.spec, value.name) for value in graph.inputs]
        self.fixed = dict(zip(graph.inputs[1:], inputs[1:], strict=True))
        for value, array in graph.constants.items():
            self.fixed[value] = self.builder.constant(array, value.name)
        self.forms = {graph.inputs[0]: Form(inputs[0], inputs[0].shape)}
        self.keeps_order = True  # whether every sum is added in the classifier's order
        self.windowed = windowed
        self.spreads = False

    def rewrite(self) -> Graph:
        """The dense graph: (1, C, *S) -> (1, K, 1, ...) for each head."""
        for node in self.graph.nodes:
            try:
                with self.builder.at(node.path):
                    self._node(node)
            except Error as error:
                raise error if error.path else error.at(node.path) from None
        return self.builder.graph([self._head(value) for value in self.graph.outputs])

    def _head(self, value: Value) -> Value:
        """The answers of one head."""
        if value not in self.forms:
            raise UnsupportedError("the result does not depend on the image")
        form = self.forms[value]
        if prod(form.shape[2:]) != 1 or len(form.shape) < 2:
            raise UnsupportedError(
                f"the network gives {form.shape} for one image; a classifier gives (1, classes)"
            )
        return self.gathered(form).value

    def _node(self, node: Node) -> None:
        if not any(value in self.forms for value in node.inputs):
            operands = [self.fixed[value] for value in node.inputs]
            results = self.builder.apply(node.operator, *operands)
            results = results if isinstance(results, tuple) else (results,)
            self.fixed.update(zip(node.outputs, results, strict=True))
            return
        if node.outputs[0].shape[:1] != (1,):
            raise UnsupportedError(
                f"{node.operator.name} gives {node.outputs[0].shape} for one image; the images of "
                "a batch must be treated alike"
            )
        rule = self.rules.of(node.operator)
        if rule is None:
            raise UnsupportedError(f"{node.operator.name} cannot slide over a larger image")
        self.forms[node.outputs[0]] = rule(self, node)

    # What rules ask for

    def form(self, node: Node, number: int = 0) -> Form:
        """The form of an operand that depends on the image; the only one that may."""
        others = [n for n, value in enumerate(node.inputs) if value in self.forms and n != number]
        if others or node.inputs[number] not in self.forms:
            name = node.operator.inputs[others[0] if others else number]
            raise UnsupportedError(
                f"{name} of {node.operator.name} depends on the whole image, so it would change on "
                "a larger one"
            )
        return self.forms[node.inputs[number]]

    def image(self, node: Node, number: int = 0) -> Form:
        """The same, where it must be an image."""
        form = self.form(node, number)
        if not form.is_image:
            raise UnsupportedError(
                f"{node.operator.name} follows a layer that is not shared by the cells of an image"
            )
        return form

    def rest(self, node: Node, start: int) -> list[Value]:
        """The operands from `start` on, which do not depend on the image."""
        return [self.fixed[value] for value in node.inputs[start:]]

    def apply(self, operator: Any, *operands: Any) -> Value:
        """Record; the first result."""
        results = self.builder.apply(operator, *operands)
        value: Value = results[0] if isinstance(results, tuple) else results
        return value

    def gathered(self, form: Form) -> Form:
        """Case 8: all numbers of a crop in the channels of one cell."""
        if form.is_gathered:
            return form
        features = prod(form.shape)
        if features > MOST_GATHERED:
            raise UnsupportedError(
                f"all {features:,} values of a crop are combined in one cell; at most "
                f"{MOST_GATHERED:,} are supported"
            )
        one_hot = np.eye(features, dtype=form.value.dtype).reshape(-1, *form.value.shape[1:])
        return Form(self.over_all(form, self.builder.constant(one_hot)), form.shape)

    def spread(self, form: Form, sizes: tuple[int, ...]) -> Form:
        """Case 10: a number of all of an image for each cell of an image of these sizes.

        On a larger image there are as many windows as fit, fewer than cells. A cell has that whose
        middle it is, or the nearest one: window min(max(i - n // 2, 0), the last) for cell i.
        """
        self.spreads = True
        self.keeps_order = False
        pairs = ((0, 0), (0, 0), *((n // 2, n - 1 - n // 2) for n in sizes))
        return image_form(self.apply(PadEdge(pairs), form.value))

    def over_all(self, form: Form, w: Value, *bias: Value) -> Value:
        """A window as large as the image, with weights (O, C, *S)."""
        sizes = form.value.shape[2:]
        return self.apply(Correlate(Window.forward(sizes, sizes)), form.value, w, *bias)


Rule = Callable[[Densifier, Node], Form]


def image_form(value: Value) -> Form:
    """A value that is an image for the classifier too."""
    return Form(value, value.shape)
