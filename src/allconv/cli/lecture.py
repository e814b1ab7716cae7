"""`allconv lecture`: every worked example of the lecture, computed now, beside what is printed; as
a table, as a page, as a sheet to work out."""

from __future__ import annotations

import os
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from allconv.cli.failures import Failure, Misuse
from allconv.cli.group import WIDTH
from allconv.cli.group import command as make
from allconv.cli.output import say, screen
from allconv.cli.output_file import check_output, write_result
from allconv.cli.settings import PAGE
from allconv.text import printable, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from allconv.lecture import Example, Result
    from allconv.operators.base import Array

LONGEST = 22  # letters of a row's numbers
SAID = {"yes": "yes", "no": "NO", "slip": "yes (slip)", "missing": "-"}


@make(
    "lecture",
    "allconv lecture",
    "allconv lecture --list",
    "allconv lecture --show image-2x4x4",
    "allconv lecture -o lecture.html",
    "allconv lecture --worksheet sheet.html",
)
@click.option("--list", "listing", is_flag=True, help="Names and titles; nothing is computed.")
@click.option("--show", metavar="NAME", help="One example with its inputs, calls and working.")
@click.option(
    "-o", "--out", type=PAGE,
    help="Write the lecture as a page: prose, live figures, every example.",
)  # fmt: skip
@click.option(
    "--worksheet", type=PAGE,
    help="Write a sheet to print: blanks to fill in, answers at its end.",
)  # fmt: skip
def command(listing: bool, show: str | None, out: str | None, worksheet: str | None) -> None:
    """Compute the examples of the lecture and compare with its slides.

    A row an example: what is printed, what allconv computes now, and whether the two agree to half
    a unit of the last printed digit. Exit status 1 where one does not. The lecture is "Deep
    Learning (for Computer Vision)" by Arjun Jain.
    """
    from allconv import lecture

    if listing and show is not None:
        raise Misuse("--list and --show do not go together; give one of them")
    if out is not None or worksheet is not None:
        _check_targets(out, worksheet, listing or show is not None)
    if listing:
        lines = listed(lecture.examples())
        results: Sequence[Result] = ()
    else:
        with screen(err=True) as shown:
            results = lecture.check(None if show is None else [lecture.find(show)])
            shown.hide()
            if out is not None or worksheet is not None:
                lines = [*_totals(results)[:1], *_written(results, out, worksheet)]
            else:
                lines = compared(results) if show is None else shown_alone(results[0])
    for line in lines:
        say(line)
    wrong = [result.example.name for result in results if not result.agrees]
    if wrong:
        raise Failure(f"{len(wrong)} of {len(results)} do not agree: {', '.join(wrong)}")


def _check_targets(out: str | None, worksheet: str | None, is_text: bool) -> None:
    """Refuse, before anything is computed, what cannot be written."""
    if is_text:
        raise Misuse("--list and --show write text; leave them out, or leave out the pages")
    if out is not None and worksheet is not None and _place(out) == _place(worksheet):
        raise Misuse(f"--out and --worksheet are both {printable(out, 60)}; give two names")
    for option, target in (("--out", out), ("--worksheet", worksheet)):
        if target is not None:
            check_output(option, target)


def _place(target: str) -> str:
    return os.path.realpath(target) if "\0" not in target else target


def _written(results: Sequence[Result], out: str | None, worksheet: str | None) -> list[str]:
    """Write the pages that are asked for; where they are."""
    from allconv.lecture.page import lecture_page
    from allconv.lecture.worksheet import worksheet_page

    return [
        write_result(target, make_page(results).encode())
        for target, make_page in ((worksheet, worksheet_page), (out, lecture_page))
        if target is not None
    ]


def listed(examples: Sequence[Example]) -> list[str]:
    """Names and titles by part."""
    width = max(len(example.name) for example in examples)
    lines = []
    for part, members in groupby(examples, lambda example: example.part):
        lines += [part, *(f"  {each.name.ljust(width)}  {each.title}" for each in members), ""]
    return [*lines, "allconv lecture --show NAME shows one with its working"]


def compared(results: Sequence[Result]) -> list[str]:
    """The table by part, and notes on slips and on what is lacking."""
    rows = [("", "printed", "ours", "agree"), *map(_row, results)]
    head, *cells = table(rows, left=4)
    lines = []
    pairs = zip(results, cells, strict=True)
    for part, members in groupby(pairs, lambda pair: pair[0].example.part):
        lines += ["", part, *(f"  {line}" for _, line in members)]
    return [f"  {head}", *lines[1:], "", *_totals(results)]


def _row(result: Result) -> tuple[str, ...]:
    example = result.example
    mark = "*" if example.drawn else ""
    return (
        example.name,
        short(result.printed) + mark,
        short(result.written()) or "-",
        said(result),
    )


def said(result: Result) -> str:
    """The verdict in words."""
    single = result.example.single and result.verdict == "yes"
    return SAID[result.verdict] + " (float32)" * single


def short(cells: Array) -> str:
    """The first cells, as many as fit a column."""
    words = [str(each) for each in cells.ravel().tolist()]
    kept = words[:1]
    for word in words[1:]:
        if len(" ".join([*kept, word])) > LONGEST:
            break
        kept.append(word)
    return " ".join(kept) + (" .." if len(kept) < len(words) else "")


def _totals(results: Sequence[Result]) -> list[str]:
    named = {
        verdict: [result for result in results if result.verdict == verdict] for verdict in SAID
    }
    agree = len(named["yes"]) + len(named["slip"])
    lines = [f"{agree} of {len(results)} agree with the slides"]
    if any(result.example.drawn for result in results):
        lines.append(
            "* drawn or stated on a slide without its result, which was worked out by hand"
        )
    if any(result.example.single for result in results):
        lines.append("float32: so TensorFlow computed it; two float32 spacings are allowed")
    for reason, members in groupby(named["slip"], lambda result: result.reason):
        names = ", ".join(result.example.name for result in members)
        lines += wrap(f"slip: {reason} ({names})", WIDTH, subsequent_indent="      ")
    for result in named["missing"]:
        lines.append(f"cannot be recomputed: {result.example.name} ({result.reason})")
    for result in named["no"]:
        lines.append(f"does not agree: {result.example.name} ({result.reason})")
    return lines


def shown_alone(result: Result) -> list[str]:
    """One example: what the slide says, inputs, calls, results and the working."""
    example = result.example
    lines = [example.title, f"({example.part})", "", "the slide:", *_indented(example.slide)]
    for name, array in example.inputs.items():
        lines += ["", f"{name} =", *_indented(str(array))]
    if example.code:
        lines += ["", "computed by:", *_indented(example.code)]
    drawn = " (worked out by hand; the slide draws or states it)" if example.drawn else ""
    lines += ["", f"printed{drawn}:", *_indented(in_columns(result.printed))]
    if result.ours is not None:
        lines += ["", "ours:", *_indented(in_columns(result.written()))]
    reason = f": {result.reason}" if result.reason else ""
    lines += ["", f"agree: {said(result)}{reason}"]
    if example.working is not None:
        lines += ["", "the working:", *_indented(str(example.working(**example.inputs)))]
    return lines


def in_columns(cells: Array) -> str:
    """Cells in columns, blocks of rows apart."""
    if not cells.size:
        return ""
    lines = table([tuple(row) for row in cells.reshape(-1, cells.shape[-1]).tolist()], left=0)
    height = cells.shape[-2] if cells.ndim > 1 else 1
    blocks = [lines[n : n + height] for n in range(0, len(lines), height)]
    return "\n\n".join("\n".join(block) for block in blocks)


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]
