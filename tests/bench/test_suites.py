"""Suites of start-up and memory, with engines that do as they are told; what a request measures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from allconv.bench import startup
from allconv.bench.memory import COUNT, GROWTH, PARTS, memory_row
from allconv.bench.startup import COLD, WARM, import_row, startup_rows
from allconv.bench.suites import NAMES, PACES, Request
from allconv.bench.tables import row_line
from allconv.bench.workload import FUNCTION_SIZES, NETWORK, Workload
from allconv.errors import UnsupportedError
from tiers import slow

from .making import fake_engine, results

PLAIN = {"network": "plain", "shape": [1, 1, 8, 8], "classes": 2}
LOADED = Workload("plain", "load", NETWORK, PLAIN)
SIZES = Workload("sizes", GROWTH, FUNCTION_SIZES, {"channels": 1, "sides": [4, 9], "count": COUNT})
ENGINES = [fake_engine("a"), fake_engine("b")]


@pytest.fixture
def _b_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engine b cannot make anything ready."""
    for room in ("startup", "memory"):
        make_files = sys.modules[f"allconv.bench.{room}"].make_files

        def told(*arguments: object, make_files: object = make_files) -> dict[str, object]:
            return {**make_files(*arguments), "fail": {"b": "prepare"}}

        monkeypatch.setattr(f"allconv.bench.{room}.make_files", told)


@pytest.mark.slow
@pytest.mark.usefixtures("_b_fails")
def test_a_start_is_measured_with_both_caches(tmp_path: Path) -> None:
    """A fresh process for each; the warm one finds what the cold one left."""
    found = results("startup")
    rows = startup_rows(LOADED, ENGINES, 2, tmp_path, 3, found)
    assert [row.name for row in rows] == [f"plain, {COLD}", f"plain, {WARM}"]
    for row in rows:
        assert row.threads == 2
        assert row.failures == {"b": "no translation here"}
        figures = row.figures["a"]
        assert figures["calls"] == 3
        assert figures["least"] <= figures["median"]
        assert 0 < figures["load"] <= figures["high"] * 3
        assert figures["first"] > 0
    assert found.settings["a"] == "a, 2"
    assert len(list(tmp_path.glob("cache-a-*"))) == 3


@slow
def test_sizes_have_a_first_call_and_another(tmp_path: Path) -> None:
    """The very first one, which loads what all share, is left out."""
    (row,) = startup_rows(SIZES, ENGINES, 1, tmp_path, 1, results("startup"))
    assert {name: each["calls"] for name, each in row.figures.items()} == {
        "a": COUNT - 1, "b": COUNT - 1,
    }  # fmt: skip
    assert all(each["again"] > 0 for each in row.figures.values())


def test_imports_are_measured_beside_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """In fresh processes; one that cannot be imported is said."""
    monkeypatch.setattr(startup, "IMPORTS", {"numpy": "json", "a": "no_such_module", "b": "abc"})
    row = import_row(ENGINES, 2)
    assert {name: each["calls"] for name, each in row.figures.items()} == {"numpy": 2, "b": 2}
    assert row.failures == {"a": "CalledProcessError"}


needs_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells the memory of a process"
)


@slow
@needs_linux
@pytest.mark.usefixtures("_b_fails")
def test_memory_is_that_of_a_process_of_its_own(tmp_path: Path) -> None:
    """After loading, at most, and after some runs."""
    row = memory_row(LOADED, ENGINES, 1, tmp_path, results("memory"))
    assert row.failures == {"b": "no translation here"}
    held = row.figures["a"]
    assert list(held) == ["loaded", "peak", "steady"]
    assert held["peak"] >= max(held["loaded"], held["steady"])
    assert held["loaded"] > 2**20


@slow
@needs_linux
def test_growth_is_told_after_each_part(tmp_path: Path) -> None:
    """From the first size to the last."""
    row = memory_row(SIZES, ENGINES, 1, tmp_path, results("memory"))
    steps = ["1", *(str(COUNT * part // PARTS) for part in range(1, PARTS + 1))]
    assert [list(each) for each in row.figures.values()] == [steps, steps]
    assert "MiB (200)" in row_line(row)


def test_memory_is_refused_where_nobody_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence."""
    from allconv.bench.memory import check_system

    monkeypatch.setattr(sys, "platform", "plan9")
    with pytest.raises(UnsupportedError, match="Linux"):
        check_system()


@pytest.mark.parametrize("suite", NAMES)
def test_every_suite_has_workloads_and_a_pace(suite: str) -> None:
    """With silence before each block, whatever the number of rounds."""
    request = Request(suite, (1,), (), rounds=2)
    assert request.workloads()
    assert request.pace.rounds == 2
    assert request.pace.silence >= 0.12
    assert PACES[suite].silence >= 0.12
