"""What a network learned, said at the end: accuracy by class, confusions, mistakes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from allconv.cli.interrupts import is_interrupt
from allconv.files import atomic_write
from allconv.text import csv_cell, percent, printable, table
from allconv.train.evaluate import Evaluation

if TYPE_CHECKING:
    from allconv.show.report.run import TrainedRun

SHOWN = 40
LETTERS = 300  # of what went wrong with a report
HEADER = ("image", "class", "predicted", "probability")


def class_lines(found: Evaluation, classes: Sequence[str]) -> list[str]:
    """The accuracy of each class as a table, the worst first where there are many classes."""
    shares = list(zip(map(printable, classes), found.class_accuracies(), strict=True))
    tested = sum(not isnan(share) for _, share in shares)
    shown = shares
    if len(shares) > SHOWN:
        shown = sorted(shares, key=lambda pair: (isnan(pair[1]), pair[1]))[:SHOWN]
    cells = ((name, "not tested" if isnan(share) else percent(share)) for name, share in shown)
    lines = table([("class", "accuracy"), *cells])
    if tested > len(shown):
        lines.append(f"... and {tested - len(shown)} classes that do better")
    if untested := len(shares) - max(tested, len(shown)):
        lines.append(f"... and {untested} classes without an image to test them on")
    return [f"  {line}" for line in lines]


def confusion_line(found: Evaluation, classes: Sequence[str]) -> str:
    """The three confusions that happen most."""
    told = [
        f"'{printable(classes[true])}' taken for '{printable(classes[predicted])}' {_times(count)}"
        for true, predicted, count in found.confusions(3)
    ]
    return f"most often confused: {', '.join(told)}" if told else "nothing was confused"


def save_mistakes(
    path: Path, found: Evaluation, classes: Sequence[str], names: Sequence[str] | None
) -> int:
    """Write the images that are predicted wrong as CSV, the surest mistakes first; how many."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    mistakes = found.mistakes(names)
    for each in mistakes:
        probability = f"{each.probability:.4f}"
        texts = (each.name, classes[each.true], classes[each.predicted])
        writer.writerow((*map(csv_cell, texts), probability))
    atomic_write(path, text.getvalue().encode())
    return len(mistakes)


def save_report(path: Path, run: TrainedRun) -> str:
    """Write the page of a training; a line that names it, or says why there is none.

    Whatever goes wrong: the network is written already, and is what the run was for.
    """
    from allconv.show.report.run import run_report

    try:
        atomic_write(path, run_report(run).encode())
    except Exception as error:
        if is_interrupt(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        return f"warning: there is no report: {printable(reason, LETTERS)}"
    return f"report: {path} shows the curves, and the images behind every number"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
