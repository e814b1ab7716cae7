"""The page of networks that were trained on the same images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from allconv.data.report import Report
from allconv.picture.chart import Chart, Line
from allconv.picture.markup import Markup, element
from allconv.show.page.document import document
from allconv.show.report.pieces import (
    counted,
    duration,
    facts,
    paragraph,
    percent,
    section,
    table,
    told,
)
from allconv.show.report.settings import data_part
from allconv.train.compare import PART, SHIFT, Comparison
from allconv.train.history import History
from allconv.version import __version__

STYLES = ("page.css", "report.css")


def comparison_report(
    rows: Sequence[Comparison], data: Report, settings: Mapping[str, int], theme: str = "auto"
) -> str:
    """The page: a table, the curves of all networks beside each other, the data.

    settings: of all trainings, by their names.
    """
    best = max(rows, key=lambda row: row.accuracy)
    lead = (
        f"The same {counted(sum(data.counts['training']), 'image')}, the same steps, no changes at "
        f"random: {told(best.name)} recognises the most test images, {percent(best.accuracy)}."
    )
    header = element(
        "header",
        element("h1", f"{counted(len(rows), 'network')} compared"),
        paragraph(lead, kind="lead"),
    )
    parts = [
        section("networks", "What each has, and what it learns", _table(rows), _explained()),
        section("curves", "All training images", _curves((r.history for r in rows), rows, theme)),
        section(
            "few",
            f"One training image of {PART}, in as many steps",
            _curves((r.part_history for r in rows), rows, theme),
        ),
        section(
            "made",
            "How they were trained",
            facts([(name, f"{value:,}") for name, value in settings.items()]),
            element("h3", "Data"),
            data_part(data),
        ),
    ]
    footer = element(
        "footer", f"Written by allconv {__version__}. Nothing is fetched by this page."
    )
    return document("Networks compared", header, *parts, footer, styles=STYLES, theme=theme)


def _table(rows: Sequence[Comparison]) -> Markup:
    head = (
        "network", "parameters", "multiply-adds", "test accuracy", f"shifted by {SHIFT}",
        f"1/{PART} of the images", "time",
    )  # fmt: skip
    cells = [
        (
            told(row.name),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
            percent(row.accuracy),
            percent(row.shifted_accuracy),
            percent(row.part_accuracy),
            duration(row.seconds),
        )
        for row in rows
    ]
    return table(head, cells)


def _explained() -> Markup:
    return paragraph(
        "Test accuracy is the share of the test images that are recognised; of those shifted by "
        f"{SHIFT} pixels it is the mean over left, right, up and down. One training more is on one "
        f"image of {PART}. Time is that of the first training.",
        kind="soft",
    )


def _curves(histories: Iterable[History], rows: Sequence[Comparison], theme: str) -> Markup:
    """Loss and accuracy of all networks, of the validation images."""
    each = list(zip(rows, histories, strict=True))
    charts = []
    for title, name, is_share in (
        ("Training loss", "loss", False),
        ("Validation loss", "validation_loss", False),
        ("Validation accuracy", "validation_accuracy", True),
    ):
        lines = tuple(
            Line(told(row.name), [getattr(r, name) for r in history.records], look)
            for look, (row, history) in enumerate(each)
        )
        base = None if is_share else 0.0
        chart = Chart(title, lines, base=base, is_share=is_share)
        charts.append(element("figure", chart.svg(theme)))
    return element("div", *charts, class_="charts")
