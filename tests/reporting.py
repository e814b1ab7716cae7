"""What the suite says: why a test was skipped, and from which seeds a failure was drawn."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

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
