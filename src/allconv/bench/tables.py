"""Results as tables of text, the same for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allconv.bench.engines import ENGINES, OURS
from allconv.bench.machine import BUSY
from allconv.bench.results import Results, WorkloadResult, title
from allconv.bench.timing import fastest_peer, ratio
from allconv.bench.workload import ANY
from allconv.text import counted

NOTHING, FAILED = "-", "failed"
MIB = 2**20
SHOWN_PARTS = 25  # rows of a profile; the others are added up
STEPS = ("step", "layer", "kernels", "steps", "chunks", "ms", "share", "bound", "of it", "GFLOP/s")
"""The head of a profile."""
TIMED = {"layers", "networks", "training", "model"}
"""Suites whose rows are times of calls."""


@dataclass(frozen=True)
class ResultsTable:
    """A title, rows of text below a head, and what there is to say about them.

    The first `left` columns are names.
    """

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    notes: list[str] = field(default_factory=list)
    left: int = 1


def tables(results: Results) -> list[ResultsTable]:
    """All tables of a suite, for each number of threads and each group of rows."""
    maker = _timed if results.suite in TIMED else _parts
    groups: dict[tuple[int, str], list[WorkloadResult]] = {}
    for row in results.rows:
        groups.setdefault((row.threads, row.group), []).append(row)
    made = [
        maker(f"{group}, {counted(threads, 'thread')}", rows, results)
        for (threads, group), rows in groups.items()
    ]
    return made + [_profile(row, results) for row in results.rows if row.profile]


def row_line(row: WorkloadResult) -> str:
    """A row in one line, while the run goes on."""
    told = [figure(*each) for each in row.figures.items()]
    told += [f"{title(engine)} FAILED" for engine in row.failures]
    layout = "" if row.layout in ("", ANY) else f", {row.layout}"
    return f"{row.name}{layout}, {counted(row.threads, 'thread')}: {'; '.join(told)}"


def figure(engine: str, figures: Mapping[str, float]) -> str:
    """What an engine took, as one number: the median of its times, or what it held at the end."""
    if "median" in figures:
        return f"{title(engine)} {milliseconds(figures['median'])} ms"
    part, held = list(figures.items())[-1]
    return f"{title(engine)} {held / MIB:.0f} MiB ({part})"


def head_lines(results: Results) -> list[str]:
    """The machine, the versions, how each engine was set, and what is missing."""
    machine, memory = results.machine, float(results.machine.get("memory", 0)) / 2**30
    lines = [
        f"{results.date}: {machine.get('processor')}, {machine.get('processors')} processors, "
        f"{memory:.0f} GiB, {machine.get('system')}",
        ", ".join(f"{name} {each}" for name, each in results.versions.items()),
    ]
    for threads, peak in results.peaks.items():
        speed, read, copied = (peak[name] / 1e9 for name in ("multiply_adds", "read", "copied"))
        lines.append(
            f"peaks measured on {counted(int(threads), 'thread')} "
            f"({peak['cpu']}, {peak['bits']}-bit vectors): "
            f"{2 * speed:.0f} GFLOP/s, reading {read:.0f} GB/s, copying {copied:.0f} GB/s"
        )
    lines += [f"{title(name)}: {settings}" for name, settings in results.settings.items()]
    lines += [f"{title(name)} is not installed: {how}" for name, how in results.missing.items()]
    load = float(machine.get("load", 0.0))
    if load > BUSY:
        lines.append(f"the machine was busy (load {load:.1f}): these figures are not to be trusted")
    return lines


def _timed(name: str, rows: Sequence[WorkloadResult], results: Results) -> ResultsTable:
    """Times of calls: an engine a column, then how we compare."""
    engines = _engines(rows)
    layouts = any(row.layout not in ("", ANY) for row in rows)
    flops = any(row.multiply_adds for row in rows)
    head = ["", *(["layout"] if layouts else []), *map(title, engines)]
    head += ["ratio to the fastest peer", "largest difference", *(["of the peak"] if flops else [])]
    notes: list[str] = []
    made = []
    for row in rows:
        cells = [row.name, *([row.layout] if layouts else [])]
        cells += [_time_cell(row, engine, notes) for engine in engines]
        cells += [_ratio_cell(row), _difference_cell(row)]
        cells += [_peak_cell(row, results)] if flops else []
        made.append(tuple(cells))
    whys = [(row.name, row.failures["profile"]) for row in rows if "profile" in row.failures]
    notes += [f"no profile of {name}: {why}" for name, why in whys]
    explained = "median ms of a call, and half the distance of the quartiles; ratio above 1: faster"
    return ResultsTable(name, tuple(head), made, [explained, *notes], 2 if layouts else 1)


def _engines(rows: Sequence[WorkloadResult]) -> list[str]:
    """The engines that appear, ours first, those that are none (NumPy) at the front."""
    met = dict.fromkeys(name for row in rows for name in (*row.figures, *row.failures))
    met.pop("profile", None)
    known = [name for name in ENGINES if name in met]
    return [*(name for name in met if name not in ENGINES), *known]


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds of three digits.

    >>> milliseconds(0.0123456), milliseconds(1.5), milliseconds(0.0000021)
    ('12.3', '1500', '0.0021')
    """
    ms = seconds * 1e3
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.3g}"


def _time_cell(row: WorkloadResult, engine: str, notes: list[str]) -> str:
    if engine in row.figures:
        timing = row.figures[engine]
        spread = (timing["high"] - timing["low"]) / 2 / timing["median"]
        return f"{milliseconds(timing['median'])} ±{100 * spread:.0f}%"
    return _failed_cell(row, engine, notes)


def _failed_cell(row: WorkloadResult, engine: str, notes: list[str]) -> str:
    """What stands where there is no figure; why goes to the notes, once."""
    if engine not in row.failures:
        return NOTHING
    why = f"{title(engine)} failed: {row.failures[engine]}"
    reasons = [note.partition(" ")[2] for note in notes if note.startswith("[")]
    if why not in reasons:
        reasons.append(why)
        notes.append(f"[{len(reasons)}] {why}")
    return f"{FAILED} [{reasons.index(why) + 1}]"


def medians(row: WorkloadResult) -> dict[str, float]:
    """Seconds by engine."""
    return {name: each["median"] for name, each in row.figures.items() if name in ENGINES}


def _ratio_cell(row: WorkloadResult) -> str:
    seconds = medians(row)
    found, peer = ratio(seconds, OURS), fastest_peer(seconds, OURS)
    return NOTHING if found is None or peer is None else f"{found:.2f} ({title(peer)})"


def _difference_cell(row: WorkloadResult) -> str:
    return f"{max(row.differences.values()):.1e}" if row.differences else NOTHING


def _peak_cell(row: WorkloadResult, results: Results) -> str:
    peak = results.peaks.get(str(row.threads))
    if not (peak and row.multiply_adds and OURS in row.figures):
        return NOTHING
    done = row.multiply_adds / row.figures[OURS]["median"]
    return f"{100 * done / peak['multiply_adds']:.0f}%"


def _parts(name: str, rows: Sequence[WorkloadResult], results: Results) -> ResultsTable:
    """Start-up and memory: a row an engine, a column a part."""
    bytes_held = results.suite == "memory"
    parts = list(
        dict.fromkeys(part for row in rows for each in row.figures.values() for part in each)
    )
    parts = [part for part in parts if part not in ("low", "high", "least", "calls")]
    notes = ["MiB" if bytes_held else "ms, medians; median: all together"]
    made = []
    for row in rows:
        for engine in _engines([row]):
            figures = row.figures.get(engine)
            if figures is None:
                cells = [_failed_cell(row, engine, notes), *[NOTHING] * (len(parts) - 1)]
            else:
                cells = [_part_cell(figures, part, bytes_held=bytes_held) for part in parts]
            made.append((row.name, title(engine), *cells))
    return ResultsTable(name, ("", "engine", *parts), made, notes, 2)


def _part_cell(figures: Mapping[str, float], part: str, *, bytes_held: bool) -> str:
    if part not in figures:
        return NOTHING
    return f"{figures[part] / MIB:.0f}" if bytes_held else milliseconds(figures[part])


def _profile(row: WorkloadResult, results: Results) -> ResultsTable:
    """The parts of one of our runs, the dearest first, beside what the machine would need."""
    peak = results.peaks.get(str(row.threads))
    whole = next(p["seconds"] for p in row.profile if p["what"] == "whole call")
    steps = [{**p, "bound": _bound(p, peak)} for p in row.profile if p["steps"]]
    rest = [p for p in row.profile if not p["steps"]]
    steps.sort(key=lambda part: -part["seconds"])
    shown, hidden = steps[:SHOWN_PARTS], steps[SHOWN_PARTS:]
    if hidden:
        shown.append(_added(f"{len(hidden)} others", hidden))
    made = [_profile_cells(part, whole) for part in (*shown, _added("all steps", steps), *rest)]
    notes = [
        "bound: ms of the multiply-adds, or of each byte once, at the measured peaks; steps are "
        "run one by one here, which costs small ones more"
    ]
    title = f"profile of {row.name}, {counted(row.threads, 'thread')}"
    return ResultsTable(title, STEPS, made, notes, 3)


def _bound(part: Mapping[str, float], peak: Mapping[str, float] | None) -> float:
    """Seconds that the machine would need."""
    if peak is None:
        return 0.0
    return max(part["multiply_adds"] / peak["multiply_adds"], part["bytes"] / peak["read"])


def _added(what: str, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Steps as one part."""
    numbers = ("seconds", "steps", "chunks", "bound")
    return {"what": what, **{each: sum(step[each] for step in steps) for each in numbers}}


def _profile_cells(part: Mapping[str, Any], whole: float) -> tuple[str, ...]:
    seconds, done, bound = (part.get(each, 0) for each in ("seconds", "multiply_adds", "bound"))
    names = (part.get(each, "") for each in ("what", "layer", "kernels"))
    numbers = (str(part[each]) if part["steps"] else "" for each in ("steps", "chunks"))
    share = f"{100 * seconds / whole:.0f}%" if whole else NOTHING
    limit = milliseconds(bound) if bound else NOTHING
    reached = f"{100 * bound / seconds:.0f}%" if bound and seconds else NOTHING
    speed = f"{2 * done / seconds / 1e9:.0f}" if done and seconds else ""
    return (*names, *numbers, milliseconds(seconds), share, limit, reached, speed)
