"""What a page shows, as plain data: the layer, its sizes, which array is left out, which cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias

from allconv.show.page.shared import LIMITS

Pair: TypeAlias = tuple[int, int]
Role: TypeAlias = Literal["x", "w", "y"]

ROLES: tuple[Role, ...] = ("x", "w", "y")
POOLS = ("max_pool", "avg_pool")
NO_PADDING = "valid"
PAIRS = ("input", "kernel", "stride", "dilation", "spread", "output_padding")
"""The settings that are a number for the rows and one for the columns."""


@dataclass(frozen=True)
class StageSettings:
    """A layer and what is shown of it; pairs are (rows, columns), of one axis (1, columns).

    op        one of `shared.OPERATORS`
    input     the size of what the layer is given, of a transposed one too
    padding   a name of `window.PADDING_NAMES`, or ((top, bottom), (left, right))
    channels  (in, out)
    leave     the array that is left out: "y" forward, "x" and "w" their gradients
    at        the cell of it that is looked at, counted row by row
    letters   "ours" (x, w, y from 0) or "slides" (I, W, O from 1)
    edits     values by array and place, as in {"x0.1.2": 3.0}; all others are drawn
    """

    op: str = "conv"
    dim: int = 2
    input: Pair = (5, 5)
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    spread: Pair = (1, 1)
    padding: str | tuple[Pair, Pair] = NO_PADDING
    output_padding: Pair = (0, 0)
    ceil: bool = False
    count_padding: bool = True
    channels: Pair = (1, 1)
    groups: int = 1
    bias: bool = False
    leave: Role = "y"
    at: int = 0
    letters: str = "ours"
    edits: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def is_pool(self) -> bool:
        """Whether there are no weights."""
        return self.op in POOLS

    def limits(self) -> dict[str, Pair]:
        """The least and largest number of each setting that a page draws."""
        sizes = LIMITS["line" if self.dim == 1 else "plane"]
        least, most = LIMITS["padding"]
        return {
            "input": (1, sizes["input"]),
            "kernel": (1, sizes["kernel"]),
            "stride": (1, LIMITS["stride"]),
            "dilation": (1, LIMITS["dilation"]),
            "spread": (1, LIMITS["spread"]),
            "padding": (0 if self.is_pool else least, most),
            "output_padding": (0, LIMITS["stride"] - 1),
            "channels": (1, LIMITS["outputs" if self.op == "linear" else "channels"]),
        }

    def settled(self) -> Self:
        """The same with settings that agree: a linear layer's window is as large as its input,
        pooling mixes no channels, one axis has one row."""
        made = self._on_one_axis() if self.dim == 1 else self
        if made.dim == 2 and made.padding == "causal":
            made = replace(made, padding=NO_PADDING)
        if made.op == "linear":
            one = (1, 1)
            made = replace(made, stride=one, dilation=one, spread=one, padding=NO_PADDING, groups=1)
        limits = made.limits()
        made = replace(made, input=_limited(made.input, limits["input"]))
        kernel = _limited(made.kernel, limits["kernel"])
        made = replace(made, kernel=made.input if made.op == "linear" else kernel)
        if made.op in ("avg_pool", "linear"):
            made = replace(made, dilation=(1, 1))
        if made.op == "conv_transpose":
            made = replace(made, spread=(1, 1))
        else:
            made = replace(made, output_padding=(0, 0))
        return made._pooled() if made.is_pool else made._weighted()

    def _on_one_axis(self) -> Self:
        flat: dict[str, Any] = {name: (1, getattr(self, name)[1]) for name in PAIRS}
        made = replace(self, **flat | {"output_padding": (0, self.output_padding[1])})
        if isinstance(made.padding, str):
            return made
        return replace(made, padding=((0, 0), made.padding[1]))

    def _pooled(self) -> Self:
        given = ((0, 0), (0, 0)) if isinstance(self.padding, str) else self.padding
        top, left = (max(low, 0) for low, _ in given)
        return replace(
            self,
            padding=((top, top), (left, left)),
            channels=(self.channels[0], self.channels[0]),
            groups=1,
            bias=False,
            spread=(1, 1),
            leave="y" if self.leave == "w" else self.leave,
        )

    def _weighted(self) -> Self:
        inputs, outputs = self.channels
        divides = not (inputs % self.groups or outputs % self.groups)
        groups = self.groups if divides else 1
        return replace(self, groups=groups, ceil=False, count_padding=True)


def _limited(pair: Pair, limits: Pair) -> Pair:
    low, high = limits
    return max(low, min(high, pair[0])), max(low, min(high, pair[1]))
