"""Sizes of windows, solved for whatever is asked.

Along an axis with input I, kernel K, stride s, dilation d and padding (lo, hi)

    P = floor((I + lo + hi - d*(K-1) - 1) / s) + 1

Source: Dumoulin and Visin 2016, arXiv:1603.07285, Relationships 6, 8, 14 and 15.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from allconv.errors import LimitError, ShapeError
from allconv.functional.pool import max_pool1d
from allconv.functional.settings import Padding, pairs
from allconv.intake.settings import whole
from allconv.operators.base import Spec
from allconv.trace import trace
from allconv.value import Value
from allconv.window import Axis, least_input, reach_of


def output_size(
    input: int, kernel: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> int:
    """The output of one axis; `padding` as in `functional.conv1d`: a number, ((lo, hi),), a name.

    >>> output_size(28, 3, stride=2, padding="half"), output_size(16, 5)
    (14, 12)
    """
    return _axis(input, kernel, stride, padding, dilation).output


def input_sizes(
    output: int, kernel: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> tuple[int, ...]:
    """All inputs of one axis that give this output, in order; () where none does.

    >>> input_sizes(14, 3, stride=2, padding="half"), input_sizes(2, 3, padding=3)
    ((27, 28), ())
    """
    output, kernel, stride, dilation = _numbers(
        output=output, kernel=kernel, stride=stride, dilation=dilation
    )
    reach = reach_of(kernel, dilation) - 1
    if isinstance(padding, str):
        least, most = 0, 2 * reach  # of zeros, by any name
    else:
        least = most = sum(_ends(1, kernel, stride, padding, dilation))
    middle = least_input(output, kernel, stride, dilation)
    candidates = range(max(middle - most, 1), middle - least + stride)
    _check_listed("inputs", len(candidates))
    return tuple(i for i in candidates if _output(i, kernel, stride, padding, dilation) == output)


def paddings(
    input: int, output: int, kernel: int, *, stride: int = 1, dilation: int = 1
) -> tuple[tuple[int, int], ...]:
    """All paddings (lo, hi) of at least 0 by which an input gives an output, the smallest first.

    Those that keep a size are those from it to itself.

    >>> paddings(4, 4, 3)
    ((0, 2), (1, 1), (2, 0))
    >>> paddings(4, 2, 3, stride=2)
    ((0, 1), (1, 0), (0, 2), (1, 1), (2, 0))
    """
    input, output, kernel, stride, dilation = _numbers(
        input=input, output=output, kernel=kernel, stride=stride, dilation=dilation
    )
    totals = _totals(input, output, kernel, stride, dilation)
    if totals:
        _check_listed("paddings", (totals[0] + totals[-1] + 2) * len(totals) // 2)
    return tuple((low, total - low) for total in totals for low in range(total + 1))


def _check_listed(what: str, count: int) -> None:
    """Refuse to list more than anyone reads."""
    if count > MOST_LISTED:
        raise LimitError(f"there are {count:,} {what}; at most {MOST_LISTED:,} are listed")


def _totals(input: int, output: int, kernel: int, stride: int, dilation: int) -> range:
    """How many zeros in all, at both ends, lead from the input to the output."""
    least = least_input(output, kernel, stride, dilation) - input
    return range(max(least, 0), least + stride)


def output_padding(
    input: int, kernel: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> int:
    """What a transposed convolution needs to give back this input: `conv_transpose`'s setting.

    It counts the cells at the end that the convolution does not look at.

    >>> [output_padding(n, 3, stride=2) for n in (5, 6, 7)]
    [0, 1, 0]
    """
    axis = _axis(input, kernel, stride, padding, dilation)
    _, high = _ends(input, kernel, stride, padding, dilation)
    return high - axis.high


def ceil_mode_adds(
    input: int, kernel: int, *, stride: int | None = None, padding: int = 0, dilation: int = 1
) -> int:
    """How many outputs `ceil_mode` adds to a pooling of one axis: 0 or 1.

    >>> ceil_mode_adds(5, 2), ceil_mode_adds(4, 2)
    (1, 0)
    """
    input = whole("input", input, least=1)

    def outputs(ceil: bool) -> int:
        def pooled(x: Value) -> Value:
            y: Value = max_pool1d(x, kernel, stride, padding, dilation, ceil_mode=ceil)
            return y

        return trace(pooled, Spec((1, 1, input))).graph.outputs[0].shape[2]

    with_it = outputs(True)
    try:
        return with_it - outputs(False)
    except ShapeError:  # a kernel that exceeds the padded input has one output, by ceil_mode alone
        return with_it


def _numbers(**given: int) -> tuple[int, ...]:
    return tuple(whole(name, n, least=1) for name, n in given.items())


def _ends(input: int, kernel: int, stride: int, padding: Padding, dilation: int) -> tuple[int, int]:
    """The padding of one axis as (lo, hi)."""
    return pairs(padding, (input,), (kernel,), (stride,), (dilation,))[0]


def _axis(input: int, kernel: int, stride: int, padding: Padding, dilation: int) -> Axis:
    input = whole("input", input, least=1)
    kernel, stride, dilation = _numbers(kernel=kernel, stride=stride, dilation=dilation)
    ends = _ends(input, kernel, stride, padding, dilation)
    return Axis.forward(input, kernel, stride=stride, dilation=dilation, padding=ends)


def _output(input: int, kernel: int, stride: int, padding: Padding, dilation: int) -> int:
    """The output, or 0 where the kernel does not fit."""
    try:
        return _axis(input, kernel, stride, padding, dilation).output
    except ShapeError:
        return 0


MOST_LISTED = 2**20
"""Sizes and paddings that are listed."""

MOST_SHOWN = 6
"""Paddings, and inputs, that are written one by one."""


@dataclass(frozen=True)
class AxisSizes:
    """What can be said of the sizes of one axis; printed, a line each.

    `inputs` give the same output; `keeping` are the smallest paddings that make the output as large
    as the input (up to six of `keeping_count`); `output_padding` is what the transposed
    convolution needs to give this input back.
    """

    axis: Axis
    high: int
    inputs: tuple[int, ...]
    keeping: tuple[tuple[int, int], ...]
    keeping_count: int
    output_padding: int

    def __str__(self) -> str:
        return "\n".join(f"{name}: {what}" if name else what for name, what in self._facts())

    def _repr_html_(self) -> str:
        from allconv.picture.table import for_notebook, line, table

        (_, said), *facts = self._facts()
        return for_notebook(line(said), table(("", ""), facts))

    def _facts(self) -> list[tuple[str, str]]:
        """What is said, by what it is about; the first line is about nothing else."""
        a = self.axis
        settings = [
            f"kernel {a.kernel}",
            *([f"stride {a.stride}"] if a.stride > 1 else []),
            *([f"dilation {a.dilation}"] if a.dilation > 1 else []),
            f"padding {a.padding}, {self.high}",
        ]
        shown = [f"({low}, {high})" for low, high in self.keeping]
        if self.keeping_count > len(self.keeping):
            shown.append(f"and {self.keeping_count - len(self.keeping):,} more")
        inputs = ", ".join(map(str, self.inputs))
        if len(self.inputs) > MOST_SHOWN:
            inputs = f"{self.inputs[0]} to {self.inputs[-1]}"
        return [
            ("", f"{a.input} -> {a.output}   ({', '.join(settings)})"),
            (f"inputs that give {a.output}", inputs),
            (f"paddings that keep {a.input}", ", ".join(shown)),
            (f"output_padding that gives {a.input} back", str(self.output_padding)),
        ]


def solve_sizes(
    input: int, kernel: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> AxisSizes:
    """All of this about one axis.

    >>> print(solve_sizes(4, 3, stride=2, padding=1))
    4 -> 2   (kernel 3, stride 2, padding 1, 1)
    inputs that give 2: 3, 4
    paddings that keep 4: (0, 5), (1, 4), (2, 3), (3, 2), (4, 1), (5, 0), and 7 more
    output_padding that gives 4 back: 1
    """
    axis = _axis(input, kernel, stride, padding, dilation)
    totals = _totals(input, input, kernel, stride, dilation)
    keeping = ((low, total - low) for total in totals for low in range(total + 1))
    return AxisSizes(
        axis,
        _ends(input, kernel, stride, padding, dilation)[1],
        input_sizes(axis.output, kernel, stride=stride, padding=padding, dilation=dilation),
        tuple(islice(keeping, MOST_SHOWN)),
        sum(total + 1 for total in totals),
        output_padding(input, kernel, stride=stride, padding=padding, dilation=dilation),
    )
