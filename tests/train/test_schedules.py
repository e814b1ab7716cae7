"""Learning rates against their formulas, written again from the papers."""

from __future__ import annotations

import math

import pytest

from allconv.errors import ArgumentError
from allconv.train import Constant, Cosine, OneCycle, Step
from allconv.train.schedules import find_schedule, schedule_names

TOTAL = 41


def test_constant_is_the_base():
    """The constant schedule gives the base rate at every step."""
    assert {Constant().rate(step, TOTAL, 0.3) for step in range(TOTAL)} == {0.3}


def test_step_falls_at_each_milestone():
    """The rate is multiplied by the factor once a milestone's share of the steps is done."""
    schedule = Step((0.25, 0.5), factor=0.5)
    found = [schedule.rate(step, 8, 1.0) for step in range(8)]
    assert found == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]


def test_cosine_follows_its_formula():
    """final + (1 - final) * (1 + cos(pi t)) / 2, from the first step to the last."""
    for step in range(TOTAL):
        share = 0.1 + 0.9 * (1 + math.cos(math.pi * step / 40)) / 2
        assert Cosine(0.1).rate(step, TOTAL, 2.0) == pytest.approx(2 * share, rel=1e-12)


def test_one_cycle_rises_to_the_base_and_falls():
    """One-cycle begins at start, peaks at the base where `rise` ends, and ends at final."""
    rates = [OneCycle(0.25, 0.1, 0.01).rate(step, TOTAL, 4.0) for step in range(TOTAL)]
    assert rates[0] == pytest.approx(0.4)
    assert rates[5] == pytest.approx((0.4 + 4.0) / 2)  # half way up a cosine
    assert rates[10] == pytest.approx(4.0) == max(rates)
    assert rates[25] == pytest.approx((4.0 + 0.04) / 2)
    assert rates[40] == pytest.approx(0.04)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize("name", schedule_names())
def test_one_step_has_a_rate(name):
    """A training of one step has a rate, and no schedule exceeds the base."""
    assert 0 < find_schedule(name).rate(0, 1, 0.5) <= 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step((0.5, 1.5)), "milestones is 1.5; shares of"),
        (lambda: Step(factor=-1), "factor is -1; a share"),
        (lambda: Cosine(2), "final is 2; a share"),
        (lambda: OneCycle(rise=0), "rise is 0; a share"),
        (lambda: OneCycle(start=7), "start is 7; a share"),
        (lambda: find_schedule("exponential"), "there are constant, step, cosine, one-cycle"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    """Settings outside their range are refused with what would do."""
    with pytest.raises(ArgumentError, match=message):
        make()
