"""Settings of all tests.

`HYPOTHESIS_PROFILE=deep pytest ...` draws a hundred times as much, `fast` (which `scripts/test
--fast` takes) a tenth. No example has a deadline: a slow machine is no failure, and a test that
hangs is ended by pytest's timeout.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reporting import (  # noqa: F401 (these are hooks, found by their names)
    pytest_make_collect_report,
    pytest_runtest_call,
    pytest_runtest_makereport,
)
from tiers import pytest_collection_modifyitems  # noqa: F401 (a hook)

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
settings.register_profile("fast", SAME, max_examples=3)
settings.register_profile(
    "deep",
    max_examples=3000,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class Verified:
    """Every plan that a test makes is verified; the summary says how many, and how long it took."""

    plans, seconds = 0, 0.0

    def check(self, prepared) -> None:
        """Raise on a plan that reads what no step has written, say."""
        from allconv.engine.verify import check_plan

        start = time.perf_counter()
        check_plan(prepared.planner, prepared.arena)
        self.add(1, time.perf_counter() - start)

    def add(self, plans: int, seconds: float) -> None:
        """Count some more."""
        self.plans, self.seconds = self.plans + plans, self.seconds + seconds


VERIFIED = Verified()


@pytest.fixture(autouse=True, scope="session")
def verify_plans():
    """Verify plans from the first test on."""
    from allconv.engine.prepared import on_prepare

    on_prepare.append(VERIFIED.check)
    yield
    on_prepare.remove(VERIFIED.check)


def pytest_sessionfinish(session) -> None:
    """Tell the process that collects the results of several workers."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["verified"] = (VERIFIED.plans, VERIFIED.seconds)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """Add what a worker has verified."""
    VERIFIED.add(*getattr(node, "workeroutput", {}).get("verified", (0, 0.0)))


def pytest_terminal_summary(terminalreporter) -> None:
    """Say what verifying cost."""
    terminalreporter.write_line(
        f"plans verified: {VERIFIED.plans}, in {VERIFIED.seconds:.1f} s of all workers"
    )
