"""The two tiers: `scripts/test` runs every test, `scripts/test --fast` some of every test function.

Left out of the fast tier is what is marked `slow`:

- here, all but some cases of a function that has several (`CASES`);
- in the tests, what takes more than about half a second of a processor with its kernels in the
  cache and is not the only one of its kind: a further share of a drawn list, a larger network, one
  more process that is killed.

So the fast tier comes to every room and to every kind of case; what it leaves out is more of the
same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import pytest

CASES = 1  # of a function, in the fast tier

slow = pytest.mark.slow


def shares(count: int, *, fast: int = 1) -> list[Any]:
    """The numbers of the shares of a list, as parameters; the first few belong to the fast tier."""
    return slowed(range(count), *range(fast))


def slowed(cases: Iterable[Any], *fast: Any) -> list[Any]:
    """Cases as parameters, of which only those named belong to the fast tier."""
    return [case if case in fast else pytest.param(case, marks=slow) for case in cases]


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow all but `CASES` cases of every test function, evenly spread.

    Where they begin depends on the name of the function, so that of operators, say, each has its
    turn in one test or another; nothing depends on chance.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if not item.get_closest_marker("slow"):
            cases[item.nodeid.split("[")[0]].append(item)
    for name, each in cases.items():
        kept = {(crc32(name.encode()) + k * len(each) // CASES) % len(each) for k in range(CASES)}
        for number, item in enumerate(each):
            if number not in kept:
                item.add_marker(slow)
