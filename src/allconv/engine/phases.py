"""The phases of an axis: its cells in classes that share one set of taps.

The relation b*j + p = s*i + d*k of a window (see `allconv.window`), solved for outputs, for inputs
or for taps, runs through residues; within one of them sources lie at even steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd

from allconv.window import Axis


@dataclass(frozen=True, slots=True)
class Phase:
    """The outputs of an axis that share one set of taps: `source = offset + stride*m + dilation*t`.

    Output cell `out_start + out_step*m` (0 <= m < out_count) meets, by tap
    `tap_start + tap_step*t` (0 <= t < tap_count), the source cell above, if that exists.
    """

    out_start: int
    out_step: int
    out_count: int
    tap_start: int
    tap_step: int
    tap_count: int
    offset: int
    stride: int
    dilation: int

    def split(self, step: int) -> Iterator[Phase]:
        """The outputs that lie `step` cells apart, class by class."""
        for first in range(min(step, self.out_count)):
            yield replace(
                self,
                out_start=self.out_start + first * self.out_step,
                out_step=step * self.out_step,
                out_count=-(-(self.out_count - first) // step),
                offset=self.offset + first * self.stride,
                stride=step * self.stride,
            )


def output_phases(axis: Axis) -> tuple[Phase, ...]:
    """Solved for `i`: the classes of outputs (one unless the input is dilated)."""
    return _phases(
        axis.output, axis.kernel, axis.stride, axis.dilation, axis.padding, axis.input_dilation
    )


def input_phases(axis: Axis) -> tuple[Phase, ...]:
    """Solved for `j`: the classes of inputs of the transpose, one a residue of the stride.

    Taps run backwards, so that the source moves forwards as in `output_phases`.
    """
    solved = _phases(
        axis.input, axis.kernel, axis.input_dilation, -axis.dilation, -axis.padding, axis.stride
    )
    return tuple(_reversed(phase) for phase in solved)


def tap_phases(axis: Axis) -> tuple[Phase, ...]:
    """Solved for `k`: the classes of taps, each with the outputs that meet it, if any do."""
    solved = _phases(
        axis.kernel, axis.output, axis.dilation, axis.stride, axis.padding, axis.input_dilation
    )
    return tuple(_exchanged(phase) for phase in solved)


def _phases(count: int, kernel: int, s: int, d: int, p: int, b: int) -> tuple[Phase, ...]:
    """Classes of the outputs of `b*source = s*out + d*tap - p`: the residues of a step."""
    common = gcd(d, b)
    out_step, tap_step = b // gcd(s, b), b // common
    inverse = pow(d // common, -1, tap_step)
    phases = []
    for start in range(min(out_step, count)):
        tap, rest = divmod(p - s * start, common)
        tap = tap * inverse % tap_step
        met = rest == 0 and tap < kernel
        phases.append(
            Phase(
                out_start=start,
                out_step=out_step,
                out_count=-(-(count - start) // out_step),
                tap_start=tap if met else 0,
                tap_step=tap_step,
                tap_count=-(-(kernel - tap) // tap_step) if met else 0,
                offset=(s * start + d * tap - p) // b if met else 0,
                stride=s // gcd(s, b),
                dilation=d // common,
            )
        )
    return tuple(phases)


def _reversed(phase: Phase) -> Phase:
    """The same phase with its taps in the opposite order."""
    last = max(phase.tap_count - 1, 0)
    return Phase(
        phase.out_start,
        phase.out_step,
        phase.out_count,
        phase.tap_start + last * phase.tap_step,
        -phase.tap_step,
        phase.tap_count,
        phase.offset + last * phase.dilation,
        phase.stride,
        -phase.dilation,
    )


def _exchanged(phase: Phase) -> Phase:
    """The same meetings with outputs and taps in each other's place."""
    return Phase(
        phase.tap_start,
        phase.tap_step,
        phase.tap_count,
        phase.out_start,
        phase.out_step,
        phase.out_count,
        phase.offset,
        phase.dilation,
        phase.stride,
    )
