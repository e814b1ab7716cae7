"""Results as pages: all tables, and the few lines that the README shows."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from allconv.bench.engines import ENGINES, OURS
from allconv.bench.layers import OTHERS, RANDOM_GROUP
from allconv.bench.results import Results, WorkloadResult, title
from allconv.bench.tables import NOTHING, TIMED, ResultsTable, figure, head_lines, medians, tables
from allconv.bench.timing import ratio
from allconv.bench.workload import ANY
from allconv.errors import FileError
from allconv.text import counted

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
_INTRODUCTION = """\
# Results

Written by `scripts/results` from the JSON beside it, which `allconv bench SUITE --json FILE` wrote.
Each engine runs in a process of its own; blocks of calls take turns, with 120 ms of silence before
each, and the first calls of a block are dropped. A ratio is the median of the fastest peer over
ours: above 1, allconv is faster. A difference is the largest one between ours and a peer's results,
over the largest number in ours. PyTorch reads no ONNX files: the bench builds its module from the
file, which its start-up and memory include."""


def results_page(found: Sequence[Results]) -> str:
    """A page of all tables."""
    parts = [_INTRODUCTION]
    for results in found:
        parts.append(f"## {results.suite}")
        parts.append("\n".join(f"- {escaped(line)}" for line in head_lines(results)))
        for table in tables(results):
            notes = "\n".join(f"- {escaped(note)}" for note in table.notes)
            parts += [f"### {escaped(table.title)}", _text(table), notes]
    return "\n\n".join(parts) + "\n"


def _text(table: ResultsTable) -> str:
    right = len(table.head) - table.left
    lines = [table.head, tuple(["---"] * table.left + ["--:"] * right), *table.rows]
    return "\n".join("| " + " | ".join(map(escaped, line)) + " |" for line in lines)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = " ".join(text.split())
    for sign in "\\|<*_`[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def summary(found: Sequence[Results]) -> str:
    """A row a group, a column a number of threads: how we compare with the fastest peers.

    Layers that are not of the main table, and are no gradients, are one row; the page has them all.
    """
    counts = sorted({row.threads for results in found for row in results.rows})
    lines = [
        "| what | " + " | ".join(counted(n, "thread") for n in counts) + " |",
        "| --- |" + " --- |" * len(counts),
    ]
    for results in found:
        told: dict[str, dict[int, str]] = {}
        for (group, threads), rows in _grouped(results).items():
            known = _ratios(rows) if results.suite in TIMED else _figures(rows)
            for what, text in known:
                told.setdefault(f"{results.suite}: {group}{what}", {})[threads] = text
        for name, figures in told.items():
            cells = [name, *(figures.get(threads, NOTHING) for threads in counts)]
            lines.append("| " + " | ".join(map(escaped, cells)) + " |")
    return "\n".join([*lines, "", *_machines(found)])


def _grouped(results: Results) -> dict[tuple[str, int], list[WorkloadResult]]:
    groups: dict[tuple[str, int], list[WorkloadResult]] = {}
    for row in results.rows:
        group = row.group
        if results.suite == "layers" and group in (*OTHERS, RANDOM_GROUP):
            group = "all other layers"
        layout = "" if row.layout in ("", ANY) else f", {row.layout}"
        groups.setdefault((group + layout, row.threads), []).append(row)
    return groups


def _ratios(rows: Sequence[WorkloadResult]) -> list[tuple[str, str]]:
    """The geometric mean of the ratios, and their range, beside the peers that took part."""
    known = [found for row in rows if (found := ratio(medians(row), OURS)) is not None]
    without = sum(OURS in row.failures for row in rows)
    told = []
    if known:
        mean = exp(sum(map(log, known)) / len(known))
        names = {name for row in rows for name in medians(row) if name != OURS}
        peers = [title(name) for name in ENGINES if name in names]
        beside = peers[0] if len(peers) == 1 else f"the fastest of {', '.join(peers)}"
        span = f" ({min(known):.2f} to {max(known):.2f} in {len(known)})" if len(known) > 1 else ""
        told.append(f"{mean:.2f} times the speed of {beside}{span}")
    if without:
        told.append(f"{without} that allconv cannot run")
    return [("", "; ".join(told))] if told else []


def _figures(rows: Sequence[WorkloadResult]) -> list[tuple[str, str]]:
    """The figures of each engine, one line a row."""
    told = []
    for row in rows:
        each = [figure(*pair) for pair in row.figures.items()]
        each += [f"{title(name)} failed" for name in row.failures if name in ENGINES]
        told.append(("" if row.name == row.group else f", {row.name}", "; ".join(each)))
    return told


def _machines(found: Sequence[Results]) -> list[str]:
    """Where and when, once for all suites that were measured there on a day."""
    said = dict.fromkeys(
        f"{r.machine.get('processor')}, {r.machine.get('processors')} processors, "
        f"{r.date.split()[0]}; " + ", ".join(f"{n} {v}" for n, v in r.versions.items())
        for r in found
    )
    return [f"Measured on {escaped(each)}." for each in said]


def between_markers(page: str, text: str) -> str:
    """The page with `text` between its two markers; FileError where they are not there once."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise FileError(f"the page needs the lines {BEGIN} and {END}, once each, in this order")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
