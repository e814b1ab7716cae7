"""What layers of a given size are made of: weights, biases, multiply-adds.

The lecture's first argument: a layer that connects everything with everything, one with a window a
place, and one that shares its window, from the same image to as many hidden units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from allconv.errors import ArgumentError
from allconv.functional.settings import Padding, Sizes, per_axis, window_of
from allconv.intake.settings import is_sequence, whole
from allconv.operators.base import Operator, Spec
from allconv.operators.correlate import Correlate
from allconv.operators.local import Local
from allconv.text import counted
from allconv.window import Window


@dataclass(frozen=True)
class LayerCount:
    """How many weights, biases and multiply-adds (for one image) a layer has."""

    name: str
    weights: int
    biases: int
    multiply_adds: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.weights:,} weights, "
            f"{counted(self.biases, 'bias', 'biases')}, "
            f"{self.multiply_adds:,} multiply-adds"
        )

    def _repr_html_(self) -> str:
        return _html([self])


class LayerCounts(tuple[LayerCount, LayerCount, LayerCount]):
    """The counts of three layers, which notebooks show as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        return _html(self)


def _html(counts: Iterable[LayerCount]) -> str:
    from allconv.picture.table import for_notebook, table

    head = ("layer", "weights", "biases", "multiply-adds")
    rows = [(each.name, each.weights, each.biases, each.multiply_adds) for each in counts]
    return for_notebook(table(head, rows))


def count_layers(
    in_channels: int,
    out_channels: int,
    input_size: Sequence[int],
    kernel_size: Sizes,
    *,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> LayerCounts:
    """A fully connected, a locally connected and a convolutional layer of the same output.

    The settings are those of the convolution; the fully connected layer goes from all cells of its
    input to all cells of its output.

    >>> for each in count_layers(1, 1, (200, 200), 10, padding="same"):
    ...     print(each)
    fully connected: 1,600,000,000 weights, 40,000 biases, 1,600,000,000 multiply-adds
    locally connected: 4,000,000 weights, 40,000 biases, 4,000,000 multiply-adds
    convolution: 100 weights, 1 bias, 4,000,000 multiply-adds
    """
    c, o = whole("in_channels", in_channels, least=1), whole("out_channels", out_channels, least=1)
    groups = whole("groups", groups, least=1)
    for name, channels in (("in_channels", c), ("out_channels", o)):
        if channels % groups:
            raise ArgumentError(f"groups is {groups}, which does not divide {name} {channels}")
    if not is_sequence(input_size):
        raise ArgumentError(f"input_size is {input_size!r}; one size an axis is expected: (28, 28)")
    axes = len(input_size)
    i = per_axis("input_size", input_size, axes)
    k = per_axis("kernel_size", kernel_size, axes)
    window = window_of(i, k, stride, padding, dilation)
    x, cells = Spec((1, c, *i)), window.output
    w = (o, c // groups, *k)
    inputs, outputs = c * prod(i), o * prod(cells)
    counts = (
        _counted("fully connected", Correlate(Window()), Spec((1, inputs)), (outputs, inputs)),
        _counted("locally connected", Local(window, groups), x, (*w, *cells), (o, *cells)),
        _counted("convolution", Correlate(window, groups), x, w),
    )
    return LayerCounts(counts)


def _counted(
    name: str,
    operator: Operator,
    x: Spec,
    weight: tuple[int, ...],
    bias: tuple[int, ...] | None = None,
) -> LayerCount:
    """Counts from shapes alone: 1,600,000,000 weights are never drawn."""
    specs = (x, Spec(weight), Spec(bias or weight[:1]))
    operator.infer(*specs)
    return LayerCount(name, prod(weight), prod(specs[2].shape), operator.cost(*specs))


def count_lecture_layers(size: int = 200, kernel: int = 10, filters: int = 100) -> list[LayerCount]:
    """Layers from a grey image of size x size to as many hidden units, and what each is made of.

    >>> [(each.weights, each.biases) for each in count_lecture_layers()]
    [(1600000000, 40000), (4000000, 40000), (100, 1), (10000, 100)]
    """
    window = f"{kernel}x{kernel}"
    image = (size, size)
    full, local, one = count_layers(1, 1, image, kernel, padding="same")
    *_, many = count_layers(1, filters, image, kernel, padding="same")
    named = (
        (full, full.name),
        (local, f"{local.name}, a {window} filter each"),
        (one, f"{one.name}, one {window} filter"),
        (many, f"{many.name}, {filters} {window} filters"),
    )
    return [LayerCount(name, c.weights, c.biases, c.multiply_adds) for c, name in named]
