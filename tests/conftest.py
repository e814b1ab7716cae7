"""Settings of all tests, and what they say when they are skipped or fail.

`HYPOTHESIS_PROFILE=deep pytest ...` draws a hundred times as much, `fast` (which `scripts/test
--fast` takes) a sixth. No example has a deadline: a slow machine is no failure, and a test that
hangs is ended by pytest's timeout.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import tiers

# Compiled kernels are shared by the workers of a run, and kept apart from the user's own.
os.environ.setdefault("ALLCONV_CACHE", str(Path(tempfile.gettempdir()) / "allconv-test-kernels"))

# A run that was begun in the background ignores Ctrl-C, and so would what it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SLOW_DRAWS = [HealthCheck.too_slow, HealthCheck.data_too_large]
# The same examples every time, none from a database: a failure is one for everybody.
SAME = settings(
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=SLOW_DRAWS,
)

settings.register_profile("ci", SAME, max_examples=30)
settings.register_profile("fast", SAME, max_examples=5)
settings.register_profile(
    "deep",
    max_examples=3000,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

REASON = re.compile(r"needs .+: .+", re.DOTALL)
"""The reason of a skip: what is missing, and how to get it."""


def explained(report: Any) -> Any:
    """The report of a skip that has such a reason; of any other skip it becomes a failure."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[-1].removeprefix("Skipped: ")
        if not REASON.fullmatch(reason):
            report.outcome = "failed"
            report.longrepr = f"a skip says 'needs WHAT: HOW TO GET IT', not {reason!r}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which cases are not of the fast tier, before they are chosen by their marks."""
    tiers.thin(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, Any]:
    """No test is skipped without a word."""
    return explained((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: Any) -> Generator[None, Any, Any]:
    """No file is skipped without a word."""
    return explained((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that fails shows the last seeds from which it drew, those of the system too."""
    seeds: list[Any] = []
    original = np.random.default_rng

    def recorded(seed: Any = None) -> np.random.Generator:
        seeds.append(np.random.SeedSequence().entropy if seed is None else seed)
        return original(seeds[-1])

    np.random.default_rng = recorded
    try:
        return (yield)
    except Exception:
        if seeds:
            shown = ", ".join(f"np.random.default_rng({seed!r})" for seed in seeds[-3:])
            item.add_report_section("call", "seeds", f"the last of {len(seeds)}: {shown}")
        raise
    finally:
        np.random.default_rng = original
