"""Kernels on the cells of an axis against the definitions, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from tiers import shares

from .cells import FAMILIES
from .comparing import check_kernels

SHARE = 20  # cases of one test


@pytest.mark.parametrize("share", shares(4))
@pytest.mark.parametrize("family", FAMILIES)
def test_as_defined(family: str, share: int) -> None:
    """Any axis and sizes, NaN and infinities, ties, indices that lead nowhere."""
    for number in range(share * SHARE, (share + 1) * SHARE):
        draw = np.random.default_rng([number, list(FAMILIES).index(family)])
        operator, operands = FAMILIES[family](draw)
        check_kernels(operator, *operands)
