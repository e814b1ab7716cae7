"""Settings of all tests: `HYPOTHESIS_PROFILE=deep pytest ...` draws a hundred times as much."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

# Compiled kernels are shared by the workers of a run, and kept apart from the user's own.
os.environ.setdefault("ALLCONV_CACHE", str(Path(tempfile.gettempdir()) / "allconv-test-kernels"))

# A run that was begun in the background ignores Ctrl-C, and so would what it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SLOW_DRAWS = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", max_examples=30, deadline=None, derandomize=True, suppress_health_check=SLOW_DRAWS
)
settings.register_profile(
    "deep", max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
