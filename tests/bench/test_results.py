"""Statistics on given numbers, results kept as JSON, and the pages made of them."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allconv.bench.engines import OURS
from allconv.bench.layers import MAIN
from allconv.bench.markdown import BEGIN, END, between_markers, escaped, results_page, summary
from allconv.bench.results import Results, WorkloadResult
from allconv.bench.tables import head_lines, milliseconds, tables
from allconv.bench.timing import Timing, fastest_peer, largest_difference, ratio
from allconv.errors import FileError
from tiers import slow

from .making import memory_results, results, timing

ROOT = Path(__file__).resolve().parents[2]


def test_timings_are_medians_and_quartiles() -> None:
    """Of numbers whose quartiles are known."""
    found = Timing.of([5.0, 1.0, 3.0, 2.0, 4.0])
    assert found == Timing(3.0, 2.0, 4.0, 1.0, 5)
    assert Timing.of([7.0]) == Timing(7.0, 7.0, 7.0, 7.0, 1)
    assert Timing(**found.data()) == found


def test_ratio_is_that_to_the_fastest_peer() -> None:
    """Above 1 we are faster; without a peer, or without us, there is none."""
    seconds = {OURS: 2.0, "torch": 5.0, "openvino": 3.0}
    assert fastest_peer(seconds, OURS) == "openvino"
    assert ratio(seconds, OURS) == 1.5
    assert ratio({OURS: 2.0}, OURS) is None
    assert ratio({"torch": 2.0}, OURS) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([[4.0, -8.0]], [[4.0, -8.0]], 0.0),
        ([[4.0, -8.0]], [[5.0, -8.0]], 0.125),
        ([[0.0, 0.0]], [[0.0, 0.5]], 0.5),
        ([[4.0], [1.0]], [[4.0], [1.5]], 0.5),
        ([[4.0]], [[4.0], [1.0]], math.inf),
        ([[4.0]], [[[4.0]]], math.inf),
        ([[4.0, math.nan]], [[4.0, 4.0]], math.inf),
        ([[4.0, 8.0]], [[4.0, math.inf]], math.inf),
        ([[math.nan, 2.0]], [[math.nan, 3.0]], 0.5),
        ([[]], [[]], 0.0),
    ],
)
def test_largest_difference(ours: list[object], theirs: list[object], expected: float) -> None:
    """Relative to the largest of ours; infinite where results cannot be compared."""
    found = largest_difference(*([np.array(a) for a in side] for side in (ours, theirs)))
    assert found == expected


@pytest.mark.parametrize("found", [results(), memory_results()], ids=["times", "memory"])
def test_results_come_back_from_json(found: Results, tmp_path: Path) -> None:
    """All of them."""
    found.save(tmp_path / "r.json")
    assert Results.load(tmp_path / "r.json") == found


def _changed(**changes: object) -> str:
    path = Path("changed.json")
    results().save(path)
    data = json.loads(path.read_text())
    path.unlink()
    return json.dumps({**data, **changes})


@pytest.mark.parametrize(
    "make",
    [
        lambda: "no JSON",
        lambda: "[]",
        lambda: "{}",
        lambda: "[" * 100_000,
        lambda: _changed(format=0),
        lambda: _changed(suite="speed"),
        lambda: _changed(suite=["networks"]),
        lambda: _changed(rows=[{"name": "x"}]),
        lambda: _changed(rows=[3]),
        lambda: _changed(machine=[]),
        lambda: _changed(surplus=1),
    ],
)
def test_other_files_are_no_results(
    make: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that names the file."""
    monkeypatch.chdir(tmp_path)
    Path("r.json").write_text(make())
    with pytest.raises(FileError, match=r"r\.json"):
        Results.load("r.json")


def test_what_is_no_text_of_a_sensible_size_is_told(tmp_path: Path) -> None:
    """A file that is not there, one that is too large, a folder, and bytes that are no text."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").write_bytes(b"\xff{}")
    for name, told in {
        "none": "no such file", "large": "holds more than 67,108,864 bytes",
        "folder": "is a folder", "bytes": "not text",
    }.items():  # fmt: skip
        with pytest.raises(FileError, match=f"{name}.*{told}"):
            Results.load(tmp_path / name)


def test_tables_hold_times_ratios_and_differences() -> None:
    """As they follow from the numbers."""
    (table,) = tables(results())
    assert table.title == "batch 1, 1 thread"
    good, bad = (dict(zip(table.head, row, strict=True)) for row in table.rows)
    assert good["allconv"] == "100 ±10%"
    assert good["PyTorch"] == "250 ±10%"
    assert good["ratio to the fastest peer"] == "1.50 (ONNX Runtime)"
    assert good["largest difference"] == "2.0e-06"
    assert good["of the peak"] == "80%"  # 4e9 multiply-adds in 0.1 s, of 50e9 in a second
    assert bad["PyTorch"] == "failed [1]"
    assert bad["ratio to the fastest peer"] == "0.50 (ONNX Runtime)"
    assert bad["of the peak"] == bad["largest difference"] == "-"
    assert table.notes[1:] == ["[1] PyTorch failed: RuntimeError: no compiler"]


def test_a_profile_that_fails_is_said() -> None:
    """Below the table, whose times stand."""
    found = results()
    found.rows[0].failures["profile"] = "out of memory"
    (table,) = tables(found)
    assert "no profile of resnet50: out of memory" in table.notes
    assert "profile" not in table.head


def test_a_failure_that_repeats_is_explained_once() -> None:
    """Its number stands wherever it happened."""
    found = results()
    found.rows[0].figures.pop("torch")
    found.rows[0].failures = dict(found.rows[1].failures)
    (table,) = tables(found)
    column = table.head.index("PyTorch")
    assert [row[column] for row in table.rows] == ["failed [1]", "failed [1]"]
    assert len(table.notes) == 2


def test_tables_of_memory_are_in_mebibytes() -> None:
    """A row an engine, failures among them."""
    (table,) = tables(memory_results())
    assert table.head == ("", "engine", "loaded", "peak", "steady")
    assert table.rows == [
        ("vgg19", "allconv", "1", "3", "2"),
        ("vgg19", "ONNX Runtime", "failed [1]", "-", "-"),
    ]
    assert table.notes[1] == "[1] ONNX Runtime failed: the process ended with signal 9"


def test_profiles_show_the_dearest_first_and_their_bounds() -> None:
    """The bound is the arithmetic or the memory, whichever takes longer."""
    found = results()

    def part(what: str, seconds: float, adds: int, moved: int, steps: int = 1) -> dict[str, object]:
        return {
            "what": what, "layer": "0", "kernels": "Direct", "steps": steps, "chunks": 4,
            "multiply_adds": adds, "bytes": moved, "seconds": seconds,
        }  # fmt: skip

    found.rows[0].profile = [
        part("copy", 0.02, 0, 200_000_000),
        part("Correlate", 0.04, 1_000_000_000, 20_000_000),
        part("outside of the steps", 0.01, 0, 0, 0),
        part("whole call", 0.08, 0, 0, 0),
    ]
    _, table = tables(found)
    rows = [dict(zip(table.head, row, strict=True)) for row in table.rows]
    assert [row["step"] for row in rows] == [
        "Correlate", "copy", "all steps", "outside of the steps", "whole call",
    ]  # fmt: skip
    assert [row["bound"] for row in rows[:3]] == ["20", "10", "30"]
    assert [row["of it"] for row in rows[:3]] == ["50%", "50%", "50%"]
    assert [row["share"] for row in rows[:3]] == ["50%", "25%", "75%"]
    assert rows[0]["GFLOP/s"] == "50"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1.5, "1500"), (0.1, "100"), (0.0999, "99.9"), (2.5e-6, "0.0025")]
)
def test_milliseconds_have_three_digits(seconds: float, expected: str) -> None:
    """Whatever their size."""
    assert milliseconds(seconds) == expected


def test_the_head_says_where_and_with_what() -> None:
    """Processor, date, versions, peaks, settings; what is missing, and that a machine was busy."""
    found = results()
    text = "\n".join(head_lines(found))
    for words in ("A Processor", "2026-01-02", "torch 2.0", "100 GFLOP/s", "20 GB/s", "threads=1"):
        assert words in text
    assert "OpenVINO is not installed: pip install openvino" in text
    assert "busy" not in text
    found.machine["load"] = 2.5
    assert "busy (load 2.5)" in "\n".join(head_lines(found))


def test_pages_hold_every_table_and_escape_names() -> None:
    """Names cannot break a table."""
    page = results_page([results(), memory_results()])
    for words in ("## networks", "## memory", "1.50 (ONNX Runtime)", "squeeze\\|net"):
        assert words in page
    for line in page.splitlines():
        if line.startswith("| resnet50"):
            assert line.count("|") == page.splitlines()[page.splitlines().index(line) - 2].count(
                "|"
            )
    assert escaped("a|b\n<c>_d`") == "a\\|b \\<c>\\_d\\`"


def test_the_summary_is_the_mean_ratio_and_its_range() -> None:
    """The geometric mean of 1.5 and 0.5, a row a group; failures of ours are counted."""
    found = results()
    text = summary([found, memory_results()])
    beside = "the fastest of PyTorch, ONNX Runtime"
    ratios = f"{math.sqrt(1.5 * 0.5):.2f} times the speed of {beside} (0.50 to 1.50 in 2)"
    assert f"| networks: batch 1 | {ratios} |" in text
    assert "| memory: load and run, vgg19 | allconv 2 MiB (steady); ONNX Runtime failed |" in text
    assert "A Processor, 2 processors, 2026-01-02; allconv 1.0, torch 2.0" in text
    found.rows[1] = WorkloadResult("batch 1", "alexnet", 1, failures={OURS: "unsupported: LRN"})
    assert f"1.50 times the speed of {beside}; 1 that allconv cannot run" in summary([found])


def test_the_summary_has_a_column_a_number_of_threads() -> None:
    """And layouts, main and other layers in rows of their own; one peer is named, not "fastest"."""
    found = results("layers")
    pair = {OURS: timing(100), "torch-last": timing(200)}
    found.rows = [
        WorkloadResult(MAIN, "a", 1, "channels last", figures=pair),
        WorkloadResult(MAIN, "a", 2, "channels last", figures=pair),
        WorkloadResult("5x5", "b", 2, "NCHW", figures=pair),
        WorkloadResult("1x1", "c", 2, "NCHW", figures=pair),
    ]
    told = "2.00 times the speed of PyTorch channels last"
    assert summary([found]).splitlines()[:4] == [
        "| what | 1 thread | 2 threads |",
        "| --- | --- | --- |",
        f"| layers: {MAIN}, channels last | {told} | {told} |",
        f"| layers: all other layers, NCHW | - | {told} (2.00 to 2.00 in 2) |",
    ]


def test_text_goes_between_the_markers() -> None:
    """And nothing else of a page changes; the second time it is replaced."""
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = between_markers(page, "new")
    assert once == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert between_markers(once, "old") == page


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_pages_without_markers_are_refused(page: str) -> None:
    """Rather than written anywhere."""
    with pytest.raises(FileError, match="bench: begin"):
        between_markers(page, "new")


@slow
def test_the_script_writes_both_pages(tmp_path: Path) -> None:
    """In a copy of what it needs: the results beside it, and a README with the markers."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "benchmarks").mkdir()
    shutil.copy(ROOT / "scripts" / "results", tmp_path / "scripts" / "results")
    script = [sys.executable, str(tmp_path / "scripts" / "results")]
    readme = tmp_path / "README.md"
    readme.write_text("no markers")
    results().save(tmp_path / "benchmarks" / "networks.json")
    refused = subprocess.run(script, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.startswith("scripts/results: the page needs")
    assert "Traceback" not in refused.stderr
    readme.write_text(f"# x\n{BEGIN}\n{END}\n")
    subprocess.run(script, check=True)
    assert "1.50 (ONNX Runtime)" in (tmp_path / "benchmarks" / "RESULTS.md").read_text()
    assert "times the speed of the fastest of PyTorch, ONNX Runtime" in readme.read_text()
