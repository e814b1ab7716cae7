"""What the suite itself says: why a test is skipped, and from which seeds a failure was drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SKIPS = """
import pytest

{module}

@pytest.mark.skipif(True, reason={reason!r})
def test_marked(): pass

def test_called(): pytest.skip({reason!r})
"""

DRAWS = """
import numpy as np
from hypothesis import given, strategies

def test_seeded():
    draws = [np.random.default_rng([seed, 5]) for seed in range(9)]
    assert draws == []

def test_of_the_system(): assert np.random.default_rng().random() < 0

@given(strategies.integers(0, 9))
def test_property(n): assert n < 7
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of its own with the hooks of this one."""
    pytester.makeconftest(Path(__file__).with_name("reporting.py").read_text("utf-8"))
    return pytester


def test_a_skip_that_says_what_it_needs_is_one(suite: pytest.Pytester) -> None:
    """What is missing, and how to get it."""
    suite.makepyfile(SKIPS.format(module="", reason="needs a moon: travel to one"))
    suite.runpytest("-p", "no:cacheprovider").assert_outcomes(skipped=2)


@pytest.mark.parametrize("reason", ["not here", "needs a moon"])
def test_any_other_skip_is_a_failure(suite: pytest.Pytester, reason: str) -> None:
    """With the reason as it was, so that it can be found."""
    suite.makepyfile(SKIPS.format(module="", reason=reason))
    done = suite.runpytest("-p", "no:cacheprovider")
    done.assert_outcomes(failed=1, errors=1)
    done.stdout.fnmatch_lines(f"*a skip says 'needs WHAT: HOW TO GET IT', not '{reason}'*")


@pytest.mark.slow
def test_so_is_a_file_that_is_skipped_without_a_word(suite: pytest.Pytester) -> None:
    """A module that another one needs has to be named with its remedy."""
    suite.makepyfile(SKIPS.format(module="pytest.importorskip('no_such_module')", reason=""))
    suite.runpytest("-p", "no:cacheprovider").assert_outcomes(errors=1)


def test_failures_show_their_seeds(suite: pytest.Pytester) -> None:
    """The last seeds of NumPy's generators; the example that hypothesis found, and its blob."""
    suite.makepyfile(DRAWS)
    done = suite.runpytest("-p", "no:cacheprovider")
    done.assert_outcomes(failed=3)
    done.stdout.fnmatch_lines(["*the last of 9: *np.random.default_rng([[]8, 5[]])"])
    done.stdout.re_match_lines([r"the last of 1: np.random.default_rng\(\d{30,}\)"])
    done.stdout.fnmatch_lines(["*n=7*", "*reproduce_failure*"])
