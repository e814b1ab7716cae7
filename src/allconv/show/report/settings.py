"""What was trained, on what and how, as tables."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from allconv.data import Dataset
from allconv.data.report import Report
from allconv.nn.module import Module
from allconv.nn.summary import Summary, summarize
from allconv.picture.markup import Markup, element, joined
from allconv.show.report.pieces import details, duration, facts, one_line, paragraph, table
from allconv.text import counted
from allconv.train.history import History
from allconv.train.recipe import Recipe
from allconv.version import __version__

MOST_LAYERS = 80
MOST_FILES = 20

_NAMES = {
    "batch_size": "batch size",
    "label_smoothing": "label smoothing",
    "clip": "gradients clipped to the norm",
    "learning_rate": "largest learning rate",
    "early_stopping": "patience, in epochs",
    "augment": "augmentation",
}


def network_part(name: str, net: Module, data: Dataset) -> Markup:
    """The layers of a network, what they hold and cost."""
    summary = summarize(net, [(1, *data.preprocess.shape)])
    said = facts(
        [
            ("network", one_line(name)),
            ("parameters", f"{summary.parameters:,}"),
            ("multiply-adds for an image", f"{summary.multiply_adds:,}"),
            ("layers", f"{len(summary.rows):,}"),
        ]
    )
    return joined(said, details("Its layers", layer_table(summary)))


def layer_table(summary: Summary) -> Markup:
    """A row a layer, in the order of their calls."""
    head = ("layer", "kind", "output", "parameters", "multiply-adds")
    rows = [
        (
            one_line(row.name),
            one_line(row.kind),
            " × ".join(map(str, row.output[1:])),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
        )
        for row in summary.rows[:MOST_LAYERS]
    ]
    left = len(summary.rows) - len(rows)
    more = [paragraph(f"{counted(left, 'more layer')} left out.")] if left else []
    return joined(table(head, rows, left=3), *more)


def recipe_part(recipe: Recipe, history: History) -> Markup:
    """The settings of a training, and how long it took."""
    settings = recipe.as_text()
    pairs = [
        (_NAMES.get(name, name), "none" if value is None else one_line(str(value)))
        for name, value in settings.items()
    ]
    epochs = len(history.records)
    why = ", stopped early" if history.stopped else ""
    seconds = sum(record.seconds for record in history.records)
    pairs += [
        ("epochs done", f"{epochs:,}{why}"),
        ("time of all epochs", duration(seconds)),
        ("made with", f"allconv {__version__}, Python {platform.python_version()}"),
    ]
    return facts(pairs)


def data_part(report: Report) -> Markup:
    """Where the images came from, how many there are, how they are used, what was left out."""
    sizes = [f"{width} × {height}" for height, width in (report.smallest, report.largest)]
    height, width = report.image_size
    colour = "grey" if report.channels == 1 else "colour"
    pairs = [
        ("images from", one_line(report.source)),
        ("classes", f"{len(report.classes):,}"),
        *((f"{part} images", f"{sum(counts):,}") for part, counts in report.counts.items()),
        ("found", " to ".join(dict.fromkeys(sizes)) + " pixels"),
        ("used as", f"{width} × {height} {colour}: {one_line(report.reason)}"),
    ]
    parts = [facts(pairs)]
    if report.unreadable:
        names = (
            f"{one_line(name)}: {one_line(why)}" for name, why in report.unreadable[:MOST_FILES]
        )
        count = counted(len(report.unreadable), "file")
        parts.append(details(f"{count} left out, as unreadable", listed(names, report.unreadable)))
    warnings = [one_line(sentence) for sentence in report.warnings()[:MOST_FILES]]
    if warnings:
        parts.append(paragraph("Warnings before training:"))
        parts.append(listed(warnings, warnings))
    return joined(*parts)


def listed(texts: Iterable[str], of: tuple[object, ...] | list[str]) -> Markup:
    """Texts as a list, and how many more there are of them."""
    items = [element("li", each) for each in texts]
    if left := len(of) - len(items):
        items.append(element("li", f"and {left:,} more"))
    return element("ul", *items)
