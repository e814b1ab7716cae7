"""The pages' JavaScript finds the sizes, refusals and meetings of the library, on every small axis.

Both languages write an axis as a line of text; they compare digests of many lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from page_node import asked, needs_node

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.correlate import transpose_window
from allconv.functional.pool import _window as pool_window
from allconv.show.page.shared import shared_data
from allconv.window import PADDING_NAMES, Axis, least_input, named_padding, reach_of

Padding = str | tuple[int, int]

INPUTS, KERNELS = range(1, 10), range(1, 6)
STRIDES, DILATIONS, SPREADS, EXTRAS = range(1, 5), range(1, 4), range(1, 4), range(4)
PADDINGS: list[Padding] = [*PADDING_NAMES, *product(range(-2, 5), repeat=2)]


@cache
def met(axis: Axis) -> list[tuple[int, int, int]]:
    """Every (j, k, i) that meets, by output and then by tap."""
    return [(j, k, i) for i in range(axis.output) for j, k in axis.meetings(i)]


@cache
def joined(axis: Axis) -> str:
    """All that meets, as text."""
    return ";".join(f"{j},{k},{i}" for j, k, i in met(axis))


def ends(padding: Padding, input: int, *window: int) -> tuple[int, int]:
    """The padding (low, high), of a name too."""
    if not isinstance(padding, str):
        return padding
    kernel, stride, dilation = window
    return named_padding(padding, input, kernel, stride=stride, dilation=dilation)


def written(axis: Axis, low: int, high: int, extra: int = 0) -> str:
    """An axis as a line."""
    assert axis.padding == low
    sizes = f"{axis.input} {axis.kernel} {axis.output} {low} {high} {extra}"
    return f"{sizes}|{joined(axis)}"


def forward_axis(i: int, k: int, s: int, d: int, b: int, padding: Padding) -> Axis:
    """The axis of a correlation."""
    pair = ends(padding, reach_of(i, b), k, s, d)
    return Axis.forward(i, k, stride=s, dilation=d, input_dilation=b, padding=pair)


def forward(i: int, k: int, s: int, d: int, b: int, padding: Padding) -> str:
    return written(forward_axis(i, k, s, d, b, padding), *ends(padding, reach_of(i, b), k, s, d))


def exchanged(i: int, k: int, s: int, d: int, b: int, padding: Padding) -> str:
    """The meetings of an axis as those of its two gradients: the letters exchanged."""
    axis = forward_axis(i, k, s, d, b, padding)
    return turned(axis)


@cache
def turned(axis: Axis) -> str:
    """(j, i, k) for the weights; (k, P-1-i, j) for the input. In the order of their texts."""
    last = axis.output - 1
    weights = sorted(f"{j},{i},{k}" for j, k, i in met(axis))
    input = sorted(f"{k},{last - i},{j}" for j, k, i in met(axis))
    return f"{';'.join(weights)}|{';'.join(input)}"


def ceiled(i: int, k: int, s: int, d: int, padding: tuple[int, int]) -> str:
    return written(Axis.ceiled(i, k, stride=s, dilation=d, padding=padding), *padding)


def pool(i: int, k: int, s: int, d: int, padding: int, ceil: bool) -> str:
    (axis,) = pool_window((i,), (k,), (s,), (padding,), (d,), ceil).axes
    return written(axis, padding, padding)


def transposed(p: int, k: int, s: int, d: int, extra: int, padding: Padding) -> str:
    given = padding if isinstance(padding, str) else (padding,)
    (axis,) = transpose_window((p,), (k,), (s,), given, (extra,), (d,), None).axes
    size = p * s if padding in ("same", "same_lower") else p
    low, high = ends(padding, size, k, s, d)
    return written(axis, low, high, axis.input - least_input(p, k, s, d, (low, high)))


@dataclass(frozen=True)
class Kind:
    """A rule and all values of its settings that come after input and kernel."""

    line: Callable[..., str]
    settings: tuple[Any, ...]

    def lines(self, input: int, kernel: int) -> list[str]:
        """Every axis of a block, or the sentence that refuses it."""
        return [self._said(input, kernel, *each) for each in product(*self.settings)]

    def _said(self, *numbers: Any) -> str:
        try:
            return self.line(*numbers)
        except (ArgumentError, ShapeError) as error:
            return str(error)


NOT_NEGATIVE = list(product(range(5), repeat=2))
KINDS = {
    "forward": Kind(forward, (STRIDES, DILATIONS, SPREADS, PADDINGS)),
    "exchanged": Kind(exchanged, (STRIDES, DILATIONS, SPREADS, PADDINGS)),
    "ceiled": Kind(ceiled, (STRIDES, DILATIONS, NOT_NEGATIVE)),
    "pool": Kind(pool, (STRIDES, DILATIONS, range(5), (False, True))),
    "transposed": Kind(transposed, (STRIDES, DILATIONS, EXTRAS, PADDINGS)),
}


def from_node(kind: str, blocks: list[tuple[int, int]], modules: Path, *, lines: bool) -> Any:
    """What the JavaScript finds: the digest of each block, or its lines."""
    question = {
        "shared": shared_data(),
        "kind": kind,
        "settings": list(map(list, KINDS[kind].settings)),
        "blocks": blocks,
        "lines": lines,
    }
    return asked("axes.mjs", modules, question)


@needs_node
@pytest.mark.parametrize("kind", KINDS)
def test_every_small_axis_is_that_of_the_library(kind: str, modules: Path) -> None:
    """Sizes, paddings, refusals word for word, and all (input, tap, output) that meet."""
    blocks = list(product(INPUTS, KERNELS))
    drawn: Counter[bool] = Counter()
    for block, digest in zip(blocks, from_node(kind, blocks, modules, lines=False), strict=True):
        ours = KINDS[kind].lines(*block)
        drawn.update("|" in line for line in ours)
        if digest != sha256("\n".join(ours).encode()).hexdigest():
            (theirs,) = from_node(kind, [block], modules, lines=True)
            settings = product(*KINDS[kind].settings)
            for setting, our, their in zip(settings, ours, theirs, strict=True):
                assert their == our, f"{kind} {block}, {setting}"
            pytest.fail(f"{kind} {block}: the digests differ, no line does")
    print(f"{kind}: {drawn[True]:,} axes and {drawn[False]:,} refusals")
    assert min(drawn[True], drawn[False]) > 100
