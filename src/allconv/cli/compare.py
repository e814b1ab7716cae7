"""`allconv compare`: the networks against each other, on the same images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allconv.cli import settings
from allconv.cli.group import command as make
from allconv.cli.output import screen
from allconv.cli.output_file import check_output
from allconv.cli.source import load_data
from allconv.text import table

if TYPE_CHECKING:
    from allconv.data import Dataset
    from allconv.train.compare import ComparedNetwork


@make(
    "compare",
    "allconv compare                     # on the bundled images",
    "allconv compare photos/ --epochs 20",
    "allconv compare --model plain --model convnet -o compared.html",
)
@click.argument("data", required=False, type=settings.DATA)
@click.option(
    "--model", "models", multiple=True, type=settings.NETWORK,
    help="A network to train, several times for several.  [default: plain, local, convnet and "
    "all-cnn]",
)  # fmt: skip
@click.option("--epochs", type=settings.COUNT, default=5, show_default=True)
@click.option("--batch-size", type=settings.COUNT, default=64, show_default=True)
@settings.data_options
@click.option("--threads", type=settings.THREADS, help="[default: all processors]")
@click.option(
    "-o", "--out", type=settings.PAGE,
    help="Write a page with the curves of all networks, too.",
)  # fmt: skip
def command(
    models: tuple[str, ...],
    epochs: int,
    batch_size: int,
    threads: int | None,
    out: str | None,
    **options: Any,
) -> None:
    """Compare the networks, trained on the same DATA.

    Fully, locally and convolutionally connected ones; each is trained twice, on all training
    images and on a tenth of them, in as many steps. Then the lecture's count: what a layer from
    a 200 x 200 image to 40,000 hidden units is made of.
    """
    from allconv.cli.epochs import EpochLines
    from allconv.train.compare import compare_networks

    page = None if out is None else check_output("--out", out)
    with screen() as shown:
        data = load_data(shown, options)
        rows = []
        for row in compare_networks(
            data,
            names=models or None,
            epochs=epochs,
            batch_size=batch_size,
            seed=options["seed"],
            threads=threads,
            watch=lambda title: [EpochLines(shown, title)],
        ):
            rows.append(row)
            shown.hide()
        for line in ["", *_measured(rows), "", *_counted()]:
            shown.line(line)
        if page is not None:
            _write(page, rows, data, epochs, batch_size, options["seed"])
            shown.line(f"report: {page} shows the curves of all networks")


def _write(
    path: Path, rows: list[ComparedNetwork], data: Dataset, epochs: int, batch_size: int, seed: int
) -> None:
    from allconv.files import atomic_write
    from allconv.show.report.comparison import comparison_report

    settings = {"epochs": epochs, "batch size": batch_size, "seed": seed}
    atomic_write(path, comparison_report(rows, data.report, settings).encode())


def _measured(rows: list[ComparedNetwork]) -> list[str]:
    from allconv.show.report.comparison import HEAD, cells

    return table([HEAD, *map(cells, rows)])


def _counted() -> list[str]:
    from allconv.analysis.counts import count_lecture_layers

    head = ("from a 200 x 200 image to 40,000 hidden units", "weights", "biases", "multiply-adds")
    counts = count_lecture_layers(size=200, kernel=10)
    return table(
        [head]
        + [(c.name, f"{c.weights:,}", f"{c.biases:,}", f"{c.multiply_adds:,}") for c in counts]
    )
