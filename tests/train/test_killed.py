"""kill -9 at any moment: what is left is a checkpoint, and the run goes on to the same bits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from allconv.train import fit
from allconv.train.checkpoint import BEST, HISTORY, LAST, load_checkpoint
from tiers import slow, slowed

from .making import digest, names, small_network, striped_data
from .training_process import SETTINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def whole() -> str:
    """The digest of the weights of a run that nobody disturbed."""
    net = small_network()
    fit(net, striped_data(), threads=1, **SETTINGS)
    return digest(net)


def start(*arguments: object) -> subprocess.Popen[str]:
    """A training in another process that has begun."""
    command = [sys.executable, "-m", "tests.train.training_process", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def finished(out: Path) -> str:
    """The digest after the run in `out` is resumed and finished here."""
    net = small_network()
    fit(net, striped_data(), resume=out, threads=2, **SETTINGS)
    assert names(out) == [BEST, HISTORY, LAST]
    return digest(net)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path, whole):
    """Killed again and again, each time on another number of threads, it ends at the same bits."""
    out = tmp_path / "run"
    clock = np.random.default_rng(7)
    for threads in (1, 2, 3, 1):
        with start(out, threads) as process:
            assert process.stdout.readline() == "begun\n"
            time.sleep(clock.uniform(0.0, 0.15))
            process.kill()
        checkpoint = load_checkpoint(out)
        assert len(checkpoint.records) == checkpoint.position.epoch < SETTINGS["epochs"]
    assert finished(out) == whole


# Six syncs (of files and folders) come before the first step; an epoch that is the best then has
# six more: of best.safetensors, last.safetensors and history.jsonl, each with the folder.
@slow
@pytest.mark.parametrize("sync", slowed([7, 9, 10, 11, 15], 9))
def test_killed_in_a_save(tmp_path, whole, sync):
    """Killed after a file's bytes are written and before they have its name, or just after."""
    out = tmp_path / "run"
    with start(out, 2, sync) as process:
        assert process.wait() == -9
    assert load_checkpoint(out).position.step == 0
    assert finished(out) == whole
