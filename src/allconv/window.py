"""Where a window lies on its input: per axis one relation between input, kernel and output.

Along an axis an input cell `j`, a tap `k` of the kernel and an output cell `i` meet where

    b*j + p = s*i + d*k        0 <= j < I,  0 <= k < K,  0 <= i < P

with stride `s`, dilation `d`, input dilation `b` and padding `p` (of the low side; negative padding
crops). A term whose `j` falls outside contributes nothing: that is all that padding means. Solved
for `i`, `j` or `k` the same relation gives correlation, its transpose and the gradient of the
weights, so one `Window` serves all three.

Source of the arithmetic: Dumoulin and Visin 2016, arXiv:1603.07285, Relationships 6 and 12 to 15.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Self, TypeAlias

from allconv.errors import ArgumentError, ShapeError
from allconv.intake.refusals import refusal

LARGEST = 2**62

Span: TypeAlias = tuple[int, int]
"""Cells from the first up to, but not including, the second."""

PADDING_NAMES = ("valid", "half", "same", "same_lower", "full", "causal")


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a window: sizes `I`, `K`, `P` and the four numbers of the relation.

    >>> Axis.forward(4, 3, padding=(1, 1)).output
    4
    >>> list(Axis.forward(4, 3).meetings(1))        # output 1: (input, tap)
    [(1, 0), (2, 1), (3, 2)]
    """

    input: int
    kernel: int
    output: int
    stride: int = 1
    dilation: int = 1
    input_dilation: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        _check_positive(
            input=self.input,
            kernel=self.kernel,
            output=self.output,
            stride=self.stride,
            dilation=self.dilation,
            input_dilation=self.input_dilation,
        )

    @classmethod
    def forward(
        cls,
        input: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        input_dilation: int = 1,
        padding: tuple[int, int] = (0, 0),
    ) -> Axis:
        """The axis of a correlation: as many outputs as placements that fit the padded input.

        P = floor(((I-1)*b + 1 + lo + hi - (d*(K-1) + 1)) / s) + 1
        """
        _check_positive(
            input=input,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            input_dilation=input_dilation,
        )
        low, high = padding
        padded = reach_of(input, input_dilation) + low + high
        reach = reach_of(kernel, dilation)
        _check_addressable(input, kernel, stride, dilation, input_dilation, padding)
        if padded < reach:
            note = refusal("its reach", dilation=dilation, reach=reach) if dilation > 1 else ""
            raise ShapeError(
                refusal("kernel too large", kernel=kernel, note=note, padded=padded,
                        input=input, low=low, high=high)
            )  # fmt: skip
        output = (padded - reach) // stride + 1
        return cls(input, kernel, output, stride, dilation, input_dilation, low)

    @classmethod
    def ceiled(
        cls,
        input: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        padding: tuple[int, int] = (0, 0),
    ) -> Axis:
        """The axis of a pooling whose last output may reach beyond the padding, or the only one,
        if it starts before the padding of the high side.

        >>> Axis.ceiled(5, 2, stride=2).output, Axis.ceiled(2, 3, stride=3).output
        (3, 1)
        """
        _check_positive(input=input, kernel=kernel, stride=stride, dilation=dilation)
        _check_addressable(input, kernel, stride, dilation, 1, padding)
        low, high = padding
        output = -(-(input + low + high - reach_of(kernel, dilation)) // stride) + 1
        if (output - 1) * stride >= input + low:
            output -= 1
        if output < 1:
            raise ShapeError(
                refusal("starts outside", kernel=kernel, dilation=dilation, input=input)
            )
        return cls(input, kernel, output, stride, dilation, 1, low)

    @classmethod
    def transposed(
        cls,
        output: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        padding: tuple[int, int] = (0, 0),
        output_padding: int = 0,
    ) -> Axis:
        """The axis of a transposed convolution, which goes back from the outputs to the input.

        I = s*(P-1) + d*(K-1) + 1 - lo - hi + output_padding

        Source: Relationship 14, with a dilation and two paddings.

        >>> Axis.transposed(2, 3, stride=2).input, Axis.forward(5, 3, stride=2).output
        (5, 2)
        """
        _check_positive(output=output, kernel=kernel, stride=stride, dilation=dilation)
        input = least_input(output, kernel, stride, dilation, padding) + output_padding
        return cls(input, kernel, output, stride, dilation, 1, padding[0])

    @property
    def reach(self) -> int:
        """How many cells the taps reach over: d*(K-1) + 1."""
        return reach_of(self.kernel, self.dilation)

    @property
    def spread(self) -> int:
        """The cells of the input, with the zeros of its dilation between them: b*(I-1) + 1."""
        return reach_of(self.input, self.input_dilation)

    @property
    def covered(self) -> int:
        """How many cells all outputs together reach over: s*(P-1) + d*(K-1) + 1."""
        return least_input(self.output, self.kernel, self.stride, self.dilation)

    @property
    def starts(self) -> range:
        """The place under the first tap of each output, from the first input on: s*i - p."""
        return range(-self.padding, self.stride * self.output - self.padding, self.stride)

    @property
    def high(self) -> int:
        """The least padding of the high side that gives this output (negative: it crops)."""
        return self.covered - self.spread - self.padding

    def fitting(self, low: int, high: int) -> int:
        """How many outputs would fit with this padding.

        >>> Axis.forward(4, 3).fitting(1, 1)
        4
        """
        return (self.spread + low + high - self.reach) // self.stride + 1

    def moved(self, low: int, high: int) -> Self:
        """The same axis on an input with so many cells more (fewer where negative) at its ends.

        >>> Axis.forward(4, 3, padding=(1, 1)).moved(1, 1)     # its padding is in the input
        Axis(input=6, kernel=3, output=4, stride=1, dilation=1, input_dilation=1, padding=0)
        """
        return self.between((-low, self.input + high), (0, self.output))

    def between(self, inputs: Span, outputs: Span) -> Self:
        """The same relation between the cells of two spans: p' = p + b*j0 - s*i0."""
        padding = self.padding + self.input_dilation * inputs[0] - self.stride * outputs[0]
        sizes = inputs[1] - inputs[0], outputs[1] - outputs[0]
        return replace(self, input=sizes[0], output=sizes[1], padding=padding)

    def inputs_met(self, outputs: Span) -> Span:
        """The inputs that some outputs meet, from the first tap of the first one on, and those
        between; (j, j) where there is none.

        >>> Axis.forward(9, 3, stride=2, padding=(1, 1)).inputs_met((1, 3))
        (1, 6)
        """
        first = self.stride * outputs[0] - self.padding
        last = self.stride * (outputs[1] - 1) + self.reach - 1 - self.padding
        return _clipped(first, last, self.input_dilation, self.input)

    def outputs_met(self, inputs: Span) -> Span:
        """The outputs that some inputs meet: the same relation, solved for the output.

        >>> Axis.forward(9, 3, stride=2, padding=(1, 1)).outputs_met((1, 2))
        (0, 2)
        """
        first = self.input_dilation * inputs[0] + self.padding - (self.reach - 1)
        last = self.input_dilation * (inputs[1] - 1) + self.padding
        return _clipped(first, last, self.stride, self.output)

    def source(self, i: int, k: int) -> int | None:
        """The input cell that output `i` meets by tap `k`, or None."""
        j, rest = divmod(self.stride * i + self.dilation * k - self.padding, self.input_dilation)
        return j if rest == 0 and 0 <= j < self.input else None

    def meetings(self, i: int) -> Iterator[tuple[int, int]]:
        """The pairs (input cell, tap) that output `i` meets, in the order of the taps."""
        for k in range(self.kernel):
            j = self.source(i, k)
            if j is not None:
                yield j, k


def reach_of(cells: int, step: int) -> int:
    """How many cells those reach over that lie `step` apart: taps by dilation, inputs by theirs."""
    return step * (cells - 1) + 1


def least_input(
    output: int, kernel: int, stride: int, dilation: int, padding: tuple[int, int] = (0, 0)
) -> int:
    """The smallest input that gives so many outputs; without padding the cells they reach over."""
    return stride * (output - 1) + reach_of(kernel, dilation) - sum(padding)


def _clipped(first: int, last: int, step: int, size: int) -> Span:
    """The cells, `step` apart, from `first` to `last`, of those that exist."""
    begin = min(max(-(-first // step), 0), size)
    return begin, max(min(last // step + 1, size), begin)


def _check_positive(**numbers: int) -> None:
    """Refuse a size or step below 1."""
    for name, number in numbers.items():
        if number < 1:
            raise ArgumentError(f"{name} must be at least 1, got {number}")


def _check_addressable(
    input: int,
    kernel: int,
    stride: int,
    dilation: int,
    input_dilation: int,
    padding: tuple[int, int],
) -> None:
    """Refuse an axis whose cells have no addresses."""
    spread = reach_of(input, input_dilation)
    settings = (input, kernel, stride, dilation, input_dilation, *padding)
    reached = (spread, spread + sum(padding), reach_of(kernel, dilation))
    if max(map(abs, (*settings, *reached))) > LARGEST:
        raise ArgumentError(
            f"sizes overflow: input {input}, kernel {kernel}, stride {stride}, dilation "
            f"{dilation}, input dilation {input_dilation}, padding {padding}"
        )


@dataclass(frozen=True)
class Window:
    """A window over any number of axes (none: a linear layer).

    >>> window = Window.forward((4, 4), (3, 3), stride=(1, 2), padding=((1, 1), (0, 0)))
    >>> window.output
    (4, 1)
    """

    axes: tuple[Axis, ...] = ()

    def __hash__(self) -> int:  # every eager call looks its operator up
        kept = self.__dict__  # not cached_property: before Python 3.12 it has a lock, see `once`
        if "_hash" not in kept:
            kept["_hash"] = hash(self.axes)
        return int(kept["_hash"])

    @classmethod
    def forward(
        cls,
        input: Sequence[int],
        kernel: Sequence[int],
        *,
        stride: Sequence[int] | None = None,
        dilation: Sequence[int] | None = None,
        input_dilation: Sequence[int] | None = None,
        padding: Sequence[tuple[int, int]] | None = None,
    ) -> Window:
        """The window of a correlation; see `Axis.forward`. One number (pair) an axis."""
        ones = (1,) * len(input)
        settings: dict[str, Sequence[Any]] = {
            "kernel": kernel,
            "stride": stride or ones,
            "dilation": dilation or ones,
            "input_dilation": input_dilation or ones,
            "padding": padding or ((0, 0),) * len(input),
        }
        for name, given in settings.items():
            if len(given) != len(input):
                raise ArgumentError(f"{name} is {tuple(given)}; one for each of {len(input)} axes")
        rows = zip(input, *settings.values(), strict=True)
        return cls(
            tuple(
                Axis.forward(i, k, stride=s, dilation=d, input_dilation=b, padding=p)
                for i, k, s, d, b, p in rows
            )
        )

    @classmethod
    def ceiled(
        cls,
        input: Sequence[int],
        kernel: Sequence[int],
        *,
        stride: Sequence[int],
        dilation: Sequence[int],
        padding: Sequence[tuple[int, int]],
    ) -> Window:
        """The window of a pooling whose last outputs may reach outside; see `Axis.ceiled`."""
        rows = zip(input, kernel, stride, dilation, padding, strict=True)
        return cls(
            tuple(Axis.ceiled(i, k, stride=s, dilation=d, padding=p) for i, k, s, d, p in rows)
        )

    @property
    def input(self) -> tuple[int, ...]:
        """The sizes `I`."""
        return tuple(axis.input for axis in self.axes)

    @property
    def kernel(self) -> tuple[int, ...]:
        """The sizes `K`."""
        return tuple(axis.kernel for axis in self.axes)

    @property
    def output(self) -> tuple[int, ...]:
        """The sizes `P`."""
        return tuple(axis.output for axis in self.axes)

    @property
    def taps(self) -> int:
        """How many taps the kernel has."""
        return prod(self.kernel)


def named_padding(
    name: str, input: int, kernel: int, *, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """The padding (low, high) of one axis that a name stands for.

    "valid"       none
    "half"        d*(K-1)/2 zeros each side whatever the stride; refused where that is no integer
    "same"        out = ceil(I/s), the odd one at the end (ONNX SAME_UPPER, TensorFlow SAME)
    "same_lower"  out = ceil(I/s), the odd one at the start
    "full"        d*(K-1) each side: every placement that touches the input
    "causal"      d*(K-1) at the start only: no output sees a later input

    >>> named_padding("half", 4, 3), named_padding("same", 4, 3, stride=2)
    ((1, 1), (0, 1))
    """
    _check_positive(input=input, kernel=kernel, stride=stride, dilation=dilation)
    reach = reach_of(kernel, dilation) - 1
    if name == "valid":
        return 0, 0
    if name == "full":
        return reach, reach
    if name == "causal":
        return reach, 0
    if name == "half":
        if reach % 2:
            raise ArgumentError(refusal("half of odd", dilation=dilation, kernel=kernel))
        return reach // 2, reach // 2
    if name in ("same", "same_lower"):
        output = -(-input // stride)
        return shared_ends(least_input(output, kernel, stride, dilation) - input, name)
    names = ", ".join(f'"{each}"' for each in PADDING_NAMES)
    raise ArgumentError(f'padding is "{name[:40]}"; the names are {names}')


def shared_ends(total: int, name: str) -> tuple[int, int]:
    """So many zeros, none where it is below 0, at both ends (low, high), as "same" and "same_lower"
    share them: the odd one at the end, or at the start."""
    small = max(total, 0) // 2
    large = max(total, 0) - small
    return (small, large) if name == "same" else (large, small)
