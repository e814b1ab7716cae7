"""Steps: what the call of a framework has no word for, done in lines before it or after it.

A step is given a layer and the writer of all that comes after it. It writes its own lines around
those of a simpler layer: one without padding, of stride 1, of one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from allconv.conventions.sized_layer import SizedLayer
from allconv.errors import UnsupportedError
from allconv.window import Axis, Window, reach_of

Lines = list[str]
Writer = Callable[[SizedLayer], Lines]
Step = Callable[[SizedLayer, Writer], Lines]
Rule = Callable[[SizedLayer], Any]
Padder = Callable[[str, Sequence[tuple[int, int]], str, str], Lines]
"""The lines that pad the array of a name by (low, high) an axis, in a layout, with a fill."""


def around(layout: str, inner: Sequence[Any], outer: Any) -> tuple[Any, ...]:
    """One value an axis of an image: `inner` for those that slide, `outer` for the others.

    >>> around("N*C", (3, 2), 1)
    (1, 3, 2, 1)
    """
    before, after = layout.split("*")
    return (*(outer,) * len(before), *inner, *(outer,) * len(after))


def sliced(layout: str, parts: Sequence[str]) -> str:
    """The index of cells along the sliding axes.

    >>> sliced("NC*", ("::2", "1:"))
    '[:, :, ::2, 1:]'
    """
    before = layout.split("*")[0]
    return f"[{', '.join([':'] * len(before) + list(parts))}]"


def then(lines: Lines, suffix: str) -> Lines:
    """Something done to y: behind the line that makes it, or in one of its own."""
    if lines[-1].startswith("y = "):
        return [*lines[:-1], lines[-1] + suffix]
    return [*lines, f"y = y{suffix}"]


def refuse(rule: Rule, sentence: str) -> Step:
    """The refusal of what a framework cannot do in any way, in a sentence about the layer `p`."""

    def step(layer: SizedLayer, write: Writer) -> Lines:
        if rule(layer):
            raise UnsupportedError(sentence.format(p=layer))
        return write(layer)

    return step


def no_spread(title: str) -> Step:
    """The refusal of zeros between the cells of an input: JAX alone has them."""
    return refuse(
        lambda layer: max(layer.input_dilation, default=1) > 1,
        f"{title} has no input dilation; JAX has, or use a transposed convolution",
    )


def rows_alone(call: str) -> Step:
    """The refusal of a linear layer on more than rows."""
    return refuse(lambda p: len(p.input) != 2, f"input_shape is {{p.input}}; {call} takes (N, C)")


def padder(call: str) -> Padder:
    """Padding by a function that takes NumPy's pairs; where one is negative, a slice."""

    def lines(name: str, ends: Sequence[tuple[int, int]], layout: str, fill: str) -> Lines:
        made = []
        if any(end > 0 for pair in ends for end in pair):
            widths = around(layout, [(max(low, 0), max(high, 0)) for low, high in ends], (0, 0))
            made.append(f"{name} = {call}({name}, {widths}{fill})")
        if any(end < 0 for pair in ends for end in pair):
            parts = [f"{-low if low < 0 else ''}:{high if high < 0 else ''}" for low, high in ends]
            made.append(f"{name} = {name}{sliced(layout, parts)}")
        return made

    return lines


IN_NUMPY = padder("np.pad")


def never(layer: SizedLayer) -> bool:
    """No layer."""
    return False


def always(layer: SizedLayer) -> bool:
    """Every layer."""
    return True


def pad(unless: Rule = never, by: Padder = IN_NUMPY, fill: str = "") -> Step:
    """The padding written out before the call, unless the call has a word for it."""

    def step(layer: SizedLayer, write: Writer) -> Lines:
        if unless(layer):
            return write(layer)
        lines = by("x", layer.ends, layer.layout.image, fill)
        return [*lines, *write(layer.moved(layer.ends))]

    return step


def crop(layer: SizedLayer, write: Writer) -> Lines:
    """Padding below 0 written out before the call, which is left all that is above."""
    ends = [(min(low, 0), min(high, 0)) for low, high in layer.ends]
    return [*IN_NUMPY("x", ends, layer.layout.image, ""), *write(layer)]


def strided(when: Rule = always) -> Step:
    """The stride taken after the call, which makes all outputs of stride 1."""

    def one(axis: Axis, ends: tuple[int, int]) -> Axis:
        slow = replace(axis, stride=1)
        return replace(slow, output=slow.fitting(*ends))

    def step(layer: SizedLayer, write: Writer) -> Lines:
        if set(layer.stride) == {1} or not when(layer):
            return write(layer)
        axes = map(one, layer.window.axes, layer.ends)
        lines = write(replace(layer, window=Window(tuple(axes))))
        return then(lines, sliced(layer.layout.image, [f"::{s}" for s in layer.stride]))

    return step


def keep(first: Callable[[Axis], int]) -> Step:
    """The outputs cut out of a filter's, which are as many as inputs: from which on, by axis."""

    def step(layer: SizedLayer, write: Writer) -> Lines:
        parts = []
        for axis in layer.window.axes:
            low, every = first(axis), f":{axis.stride}" if axis.stride > 1 else ""
            parts.append(f"{low or ''}:{low + reach_of(axis.output, axis.stride)}{every}")
        return then(write(layer), sliced(layer.layout.image, parts))

    return step


def spread_taps(when: Rule = always) -> Step:
    """The zeros of a dilation put between the taps of the kernel."""

    def step(layer: SizedLayer, write: Writer) -> Lines:
        if set(layer.dilation) == {1} or not when(layer):
            return write(layer)
        layout = layer.layout
        roles = layout.transposed if layer.kind == "transposed" else layout.convolution
        name = layout.names["weight"]
        before, after = (len(side) for side in roles.split("*"))
        sizes = [f"*{name}.shape[:{before}]"] * bool(before)
        sizes += [str(axis.reach) for axis in layer.window.axes]
        sizes += [f"*{name}.shape[-{after}:]"] * bool(after)
        axes = (replace(a, kernel=a.reach, dilation=1) for a in layer.window.axes)
        return [
            f"spread = np.zeros(({', '.join(sizes)}), {name}.dtype)",
            f"spread{sliced(roles, [f'::{d}' for d in layer.dilation])} = {name}",
            f"{name} = spread",
            *write(replace(layer, window=Window(tuple(axes)))),
        ]

    return step


def by_group(split: str, join: str) -> Step:
    """One call a group, by the framework's functions that split and join arrays; then the bias."""

    def grouped(layer: SizedLayer, write: Writer) -> Lines:
        transposed, layout = layer.kind == "transposed", layer.layout
        channels = 1 if layout.image == "NC*" else -1
        first = (layout.transposed if transposed else layout.convolution)[0] != "*"
        count, name = layer.groups, layout.names["weight"]
        sizes = (layer.input[0], layer.input[1] // count, *layer.input[2:])
        lines = write(replace(layer, groups=1, input=sizes))
        parts = f"{split}(x, {count}, {channels}), {split}({name}, {count}, {0 if first else -1})"
        return [
            "groups = []",
            f"for x, {name} in zip({parts}):",
            *(f"    {line}" if line else "" for line in (*lines, "groups.append(y)")),
            f"y = {join}(groups, {channels})",
        ]

    def step(layer: SizedLayer, write: Writer) -> Lines:
        if layer.groups == 1:
            return write(layer)
        return plus_bias(layer, lambda p: grouped(p, write))

    return step


def plus_bias(layer: SizedLayer, write: Writer) -> Lines:
    """The bias of each channel, added after the call."""
    lines = write(replace(layer, has_bias=False))
    if not layer.has_bias:
        return lines
    last = layer.layout.image != "NC*" or layer.axes == 0
    index = "" if last else f"[:, {', '.join(['None'] * layer.axes)}]"
    return then(lines, f" + {layer.layout.names['bias']}{index}")


def is_full(layer: SizedLayer) -> bool:
    """Whether a transposed convolution gives all that it writes: s*(P-1) + d*(K-1) + 1 cells."""
    return not any(end for pair in layer.exact_ends for end in pair)


def cut(unless: Rule = is_full, by: Padder = IN_NUMPY) -> Step:
    """The outputs cut out of all that a transposed convolution writes; then the bias."""

    def inside(layer: SizedLayer, write: Writer) -> Lines:
        axes, image = layer.window.axes, layer.layout.image
        parts = [f"{max(a.padding, 0)}:{min(a.padding + a.input, a.covered)}" for a in axes]
        ends = [(max(-a.padding, 0), max(-a.high, 0)) for a in axes]
        lines = then(write(layer.moved(layer.exact_ends)), sliced(image, parts))
        return [*lines, *by("y", ends, image, "")]

    def step(layer: SizedLayer, write: Writer) -> Lines:
        if unless(layer):
            return write(layer)
        return plus_bias(layer, lambda p: inside(p, write))

    return step
