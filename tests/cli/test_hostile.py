"""No argument of a command makes it fail in another way than with a sentence and its status."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from . import hostile
from .running import done, run

SEEDS = 24
EACH = 15


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the arrays of `hostile`."""
    folder = tmp_path_factory.mktemp("small")
    hostile.save_arrays(folder / "data.npz")
    done("train", folder / "data.npz", *hostile.QUICK, "--out", folder / "run")
    return folder / "run"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_hostile_arguments_end_in_a_sentence(seed: int, small: Path, tmp_path: Path) -> None:
    """Status 0, 1 or 2; where it is not 0 a line that begins with the command, and no raw error."""
    hostile.make_files(tmp_path, small)
    rng = np.random.default_rng(seed)
    for number in range(EACH):
        arguments = hostile.draw(rng)
        print(f"seed {seed}, {number}: {[each[:80] for each in arguments]}")
        result = run(*arguments)
        assert result.status in (0, 1, 2)
        assert "fault of allconv" not in result.err
        for line in (result.out + result.err).split("\n"):
            assert line.isprintable()
        if result.status:
            assert result.said[-1].startswith("allconv ")
            assert len(result.said[-1]) < 1000
