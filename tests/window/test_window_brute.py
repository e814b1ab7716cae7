"""The arithmetic of windows against counting: every placement is tried."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allconv.engine.phases import Phase, input_phases, output_phases, tap_phases
from allconv.errors import ArgumentError, ShapeError
from allconv.window import LARGEST, PADDING_NAMES, Axis, Window, named_padding

often = settings(max_examples=7 * settings().max_examples)
SIZES = {"input": 9, "kernel": 5, "stride": 5, "dilation": 4, "input_dilation": 4}
settings_of_axis = st.fixed_dictionaries(
    {name: st.integers(1, most) for name, most in SIZES.items()}
    | {"padding": st.tuples(st.integers(-4, 6), st.integers(-4, 6))}
)


def padded_cells(given_axis: dict) -> list[int | None]:
    """The padded, zero-stuffed axis written out: the input cell at each place, or None."""
    low, high = given_axis["padding"]
    stuffed: list[int | None] = []
    for j in range(given_axis["input"]):
        stuffed += [j] + [None] * (given_axis["input_dilation"] - 1)
    stuffed = stuffed[: len(stuffed) - (given_axis["input_dilation"] - 1)]
    cells = [None] * max(low, 0) + stuffed[max(-low, 0) :]
    return cells + [None] * high if high >= 0 else cells[:high]


def length(given_axis: dict) -> int:
    """The length of the padded axis, negative where more is cropped than there is."""
    spread = (given_axis["input"] - 1) * given_axis["input_dilation"] + 1
    return spread + sum(given_axis["padding"])


def placements(given_axis: dict) -> list[list[int]]:
    """For each placement of the kernel that fits: the places of its taps."""
    taps = range(0, given_axis["dilation"] * given_axis["kernel"], given_axis["dilation"])
    starts = range(0, max(length(given_axis), 0), given_axis["stride"])
    return [[s + t for t in taps] for s in starts if s + taps[-1] < length(given_axis)]


def forward(given_axis: dict) -> Axis:
    """The axis of these settings, where the kernel fits and the crop leaves something."""
    assume(placements(given_axis))
    low, high = given_axis["padding"]
    spread = (given_axis["input"] - 1) * given_axis["input_dilation"] + 1
    assume(-low <= spread)
    assume(-high <= spread)
    return Axis.forward(**given_axis)


@given(settings_of_axis)
@often
def test_output_counts_the_placements(given_axis: dict) -> None:
    """There are as many outputs as placements that fit; where none fits it is refused."""
    fitting = placements(given_axis)
    if fitting:
        assert Axis.forward(**given_axis).output == len(fitting)
    else:
        with pytest.raises(ShapeError, match="does not fit the padded input of"):
            Axis.forward(**given_axis)


@given(settings_of_axis)
@often
def test_source_reads_the_padded_axis(given_axis: dict) -> None:
    """Output i meets by tap k what lies at that place of the padded axis, written out."""
    axis, cells = forward(given_axis), padded_cells(given_axis)
    for i, places in enumerate(placements(given_axis)):
        assert [axis.source(i, k) for k in range(axis.kernel)] == [cells[p] for p in places]
        met = [(cells[p], k) for k, p in enumerate(places) if cells[p] is not None]
        assert list(axis.meetings(i)) == met


@given(settings_of_axis)
@often
def test_high_is_the_least(given_axis: dict) -> None:
    """`high` gives the same outputs, and one less gives fewer."""
    axis = forward(given_axis)
    least = given_axis | {"padding": (axis.padding, axis.high)}
    assert axis.high <= given_axis["padding"][1]
    assert len(placements(least)) == axis.output
    fewer = given_axis | {"padding": (axis.padding, axis.high - 1)}
    assert len(placements(fewer)) == axis.output - 1


def related(axis: Axis) -> set[tuple[int, int, int]]:
    """All (j, k, i) with b*j + p = s*i + d*k, tried one by one."""
    return {
        (j, k, i)
        for j in range(axis.input)
        for k in range(axis.kernel)
        for i in range(axis.output)
        if axis.input_dilation * j + axis.padding == axis.stride * i + axis.dilation * k
    }


def walk(phases: tuple[Phase, ...], sources: int) -> list[tuple[int, int, int]]:
    """Every (source, tap, out) that the phases list and that exists."""
    return [
        (source, phase.tap_start + phase.tap_step * t, phase.out_start + phase.out_step * m)
        for phase in phases
        for m in range(phase.out_count)
        for t in range(phase.tap_count)
        if 0 <= (source := phase.offset + phase.stride * m + phase.dilation * t) < sources
    ]


any_axis = st.builds(
    Axis,
    *(st.integers(1, most) for most in (8, 5, 8, 5, 4, 4)),
    st.integers(-6, 8),
)


@given(any_axis)
@often
def test_phases_enumerate_the_meetings(axis: Axis) -> None:
    """The phases list each meeting exactly once, and each output is in exactly one phase."""
    met = walk(output_phases(axis), axis.input)
    assert len(met) == len(set(met))
    assert set(met) == related(axis)
    assert covered(output_phases(axis)) == list(range(axis.output))
    assert axis.input_dilation > 1 or len(output_phases(axis)) == 1


@given(any_axis)
@often
def test_transpose_phases_enumerate_the_meetings(axis: Axis) -> None:
    """The phases of the transpose list each meeting exactly once, sources moving forwards."""
    phases = input_phases(axis)
    met = walk(phases, axis.output)
    assert len(met) == len(set(met))
    assert {(j, k, i) for i, k, j in met} == related(axis)
    assert covered(phases) == list(range(axis.input))
    assert all(phase.dilation > 0 for phase in phases if phase.tap_count > 1)
    assert len(phases) <= axis.stride


@given(any_axis)
@often
def test_weight_phases_enumerate_the_meetings(axis: Axis) -> None:
    """The classes of taps list each meeting exactly once, and each tap is in exactly one class."""
    phases = tap_phases(axis)
    met = walk(phases, axis.input)
    assert len(met) == len(set(met))
    assert set(met) == related(axis)
    assert sorted(
        phase.tap_start + phase.tap_step * t for phase in phases for t in range(phase.tap_count)
    ) == list(range(axis.kernel))


def covered(phases: tuple[Phase, ...]) -> list[int]:
    """The outputs of all phases, sorted."""
    return sorted(
        phase.out_start + phase.out_step * m for phase in phases for m in range(phase.out_count)
    )


@given(any_axis)
def test_taps_of_a_phase_exist(axis: Axis) -> None:
    """No phase names a tap outside the kernel."""
    for phase in (*output_phases(axis), *input_phases(axis)):
        for t in range(phase.tap_count):
            assert 0 <= phase.tap_start + phase.tap_step * t < axis.kernel


def closed_form(axis: Axis) -> tuple[dict, dict]:
    """Settings of two correlations: that of gx (over gy) and that of gw (over x).

    With Ib=(I-1)b+1, Kd=(K-1)d+1, r=(Ib+lo+hi-Kd) mod s, from the smallest high, r = 0.
    """
    s, d, b = axis.stride, axis.dilation, axis.input_dilation
    reach, low, high = d * (axis.kernel - 1) + 1, axis.padding, axis.high
    gx = {
        "input": axis.output,
        "kernel": axis.kernel,
        "stride": b,
        "dilation": d,
        "input_dilation": s,
        "padding": (reach - 1 - low, reach - 1 - high),
    }
    gw = {
        "input": axis.input,
        "kernel": axis.output,
        "stride": d,
        "dilation": s,
        "input_dilation": b,
        "padding": (low, high),
    }
    return gx, gw


@given(settings_of_axis)
@often
def test_theorem_gradients_are_correlations(given_axis: dict) -> None:
    """The gradients are correlations with windows in closed form (anchors, R1).

    gx slides the flipped kernel over gy with stride and input dilation exchanged; gw slides gy
    over x with stride and dilation exchanged. The meetings are the same, renamed.
    """
    axis = forward(given_axis)
    gx, gw = (Axis.forward(**settings) for settings in closed_form(axis))
    assert (gx.output, gw.output) == (axis.input, axis.kernel)
    assert {(j, axis.kernel - 1 - k, i) for i, k, j in related(gx)} == related(axis)
    assert {(j, k, i) for j, i, k in related(gw)} == related(axis)


@given(st.lists(settings_of_axis, max_size=3))
def test_window_is_its_axes(each: list[dict]) -> None:
    """A window has the sizes of its axes."""
    axes = [forward(settings) for settings in each]
    columns = {name: [settings[name] for settings in each] for name in (*SIZES, "padding")}
    window = Window.forward(columns.pop("input"), columns.pop("kernel"), **columns)
    assert window == Window(tuple(axes))
    assert window.input == tuple(axis.input for axis in axes)
    assert window.kernel == tuple(axis.kernel for axis in axes)
    assert window.output == tuple(axis.output for axis in axes)
    assert window.taps == prod(window.kernel)


@given(
    st.sampled_from(["valid", "same", "same_lower", "full", "causal", "half"]),
    *(st.integers(1, most) for most in (9, 5, 4, 3)),
)
@often
def test_padding_names(name: str, size: int, kernel: int, stride: int, dilation: int) -> None:
    """Each name gives the size that it promises, counted."""
    reach = dilation * (kernel - 1)
    assume(name != "half" or reach % 2 == 0)
    assume(name not in ("valid", "half") or size > reach)
    low, high = named_padding(name, size, kernel, stride=stride, dilation=dilation)
    outputs = len(
        placements(
            {
                "input": size,
                "kernel": kernel,
                "stride": stride,
                "dilation": dilation,
                "input_dilation": 1,
                "padding": (low, high),
            }
        )
    )
    touching = len(range(-reach, size, stride))
    wanted = {
        "valid": len(range(0, size - reach, stride)),
        "same": len(range(0, size, stride)),
        "same_lower": len(range(0, size, stride)),
        "full": touching,
        "causal": len(range(0, size, stride)),
        "half": len(range(0, size, stride)),
    }
    assert outputs == wanted[name]
    assert (low == high) or name in ("same", "same_lower", "causal")
    assert high - low in (0, 1) or name != "same"
    assert low - high in (0, 1) or name != "same_lower"
    assert name in PADDING_NAMES


def test_refusals() -> None:
    """What is no window is refused in words that say why."""
    with pytest.raises(ArgumentError, match="stride must be at least 1, got 0"):
        Axis.forward(4, 3, stride=0)
    with pytest.raises(ArgumentError, match="kernel must be at least 1, got -1"):
        Axis.forward(4, -1)
    with pytest.raises(ArgumentError, match="output must be at least 1, got 0"):
        Axis(4, 3, 0)
    with pytest.raises(
        ShapeError,
        match=r"kernel of 3 \(dilation 2: it reaches over 5\) .* input of 4 \(3 and padding 1, 0\)",
    ):
        Axis.forward(3, 3, dilation=2, padding=(1, 0))
    with pytest.raises(ArgumentError, match=r"stride is \(1,\); one for each of 2 axes"):
        Window.forward((4, 4), (3, 3), stride=(1,))
    with pytest.raises(ArgumentError, match=r'padding is "smae"; the names are "valid", "half"'):
        named_padding("smae", 4, 3)
    with pytest.raises(
        ArgumentError, match=r"needs an even dilation\*\(kernel_size-1\), got 1\*\(4-1\)"
    ):
        named_padding("half", 8, 4)
    with pytest.raises(ArgumentError, match="stride must be at least 1"):
        named_padding("same", 4, 3, stride=0)


@pytest.mark.parametrize(
    "huge",
    [
        {"input": 2**63},
        {"kernel": 2**63},
        {"stride": 2**63},
        {"dilation": 2**63},
        {"input_dilation": 2**63},
        {"padding": (2**63, 0)},
        {"padding": (0, -(2**63))},
        {"input": 2**32, "input_dilation": 2**32},
        {"kernel": 2**32, "dilation": 2**32},
    ],
    ids=str,
)
def test_overflow(huge: dict) -> None:
    """Sizes that do not fit 64 bits are refused, whichever they are."""
    with pytest.raises(ArgumentError, match="sizes overflow"):
        Axis.forward(**({"input": 4, "kernel": 1} | huge))


def test_largest() -> None:
    """Sizes up to the limit are computed exactly."""
    assert Axis.forward(LARGEST, 1, stride=2).output == LARGEST // 2
