"""The page of networks that were trained on the same images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from allconv.data.report import Report
from allconv.picture.chart import Chart, Series
from allconv.picture.markup import Markup, element
from allconv.show.report.pieces import facts, one_line, page, paragraph, section, table
from allconv.show.report.settings import data_part
from allconv.text import counted, duration, percent
from allconv.train.compare import PART, SHIFT, ComparedNetwork
from allconv.train.history import History

HEAD = (
    "network", "parameters", "multiply-adds", "test accuracy", f"shifted by {SHIFT}",
    f"1/{PART} of the images", "time",
)  # fmt: skip
"""The columns of the table, on the page and in a terminal."""


def cells(row: ComparedNetwork) -> tuple[str, ...]:
    """A row of the table: the numbers of a network as text, below `HEAD`."""
    return (
        one_line(row.name),
        f"{row.parameters:,}",
        f"{row.multiply_adds:,}",
        percent(row.accuracy),
        percent(row.shifted_accuracy),
        percent(row.part_accuracy),
        duration(row.seconds),
    )


def comparison_report(
    rows: Sequence[ComparedNetwork], data: Report, settings: Mapping[str, int]
) -> str:
    """The page: a table, the curves of all networks beside each other, the data.

    settings: those that all trainings have, by their names.
    """
    best = max(rows, key=lambda row: row.accuracy)
    lead = (
        f"The same {counted(sum(data.counts['training']), 'image')}, as many steps, no "
        f"augmentation: {one_line(best.name)} recognises the most test images, "
        f"{percent(best.accuracy)}."
    )
    header = element(
        "header",
        element("h1", f"{counted(len(rows), 'network')} compared"),
        paragraph(lead, kind="lead"),
    )
    parts = [
        section(
            "networks",
            "What each has, and what it learns",
            table(HEAD, map(cells, rows)),
            _explained(),
        ),
        section("curves", "All training images", _curves((r.history for r in rows), rows)),
        section(
            "few",
            f"One training image in {PART}, as many steps",
            _curves((r.part_history for r in rows), rows),
        ),
        section(
            "made",
            "How they were trained",
            facts([(name, f"{value:,}") for name, value in settings.items()]),
            element("h3", "Data"),
            data_part(data),
        ),
    ]
    return page("Networks compared", header, *parts)


def _explained() -> Markup:
    return paragraph(
        "Test accuracy is the share of the test images that are recognised; of those shifted by "
        f"{SHIFT} pixels it is the mean over left, right, up and down. A second training uses one "
        f"training image in {PART}. Time is that of the first training.",
        kind="soft",
    )


def _curves(histories: Iterable[History], rows: Sequence[ComparedNetwork]) -> Markup:
    """The losses of all networks, and their accuracy on the validation images."""
    each = list(zip(rows, histories, strict=True))
    charts = []
    for title, name, is_share in (
        ("Training loss", "loss", False),
        ("Validation loss", "validation_loss", False),
        ("Validation accuracy", "validation_accuracy", True),
    ):
        lines = tuple(
            Series(one_line(row.name), [getattr(r, name) for r in history.records], look)
            for look, (row, history) in enumerate(each)
        )
        base = None if is_share else 0.0
        chart = Chart(title, lines, base=base, is_share=is_share)
        charts.append(element("figure", chart.svg()))
    return element("div", *charts, class_="charts")
