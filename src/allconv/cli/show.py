"""`allconv show`: the working of a layer on the user's numbers, cell by cell."""

from __future__ import annotations

import click

from allconv.cli.group import LazyGroup, examples

KINDS = ("conv", "conv_transpose", "local", "linear", "max_pool", "avg_pool")


def _load(name: str) -> click.Command:
    """The kind of a name: `show_kinds` is loaded when one is asked for, and NumPy with it."""
    from allconv.cli.show_kinds import COMMANDS

    return COMMANDS[name]


@click.group(
    "show",
    cls=LazyGroup,
    names=KINDS,
    load=_load,
    epilog=examples(
        'allconv show conv --input "1 2 3 4" --kernel "1 2 3" --backward "1 1"',
        'allconv show conv --input "1 2 3 4" --kernel "1 2 3" --flip --padding half --stride 2',
        'allconv show max_pool --input "1 2 3 / 4 5 6" --kernel-size 2,2 --stride 1',
        "allconv show conv --input image.npy --kernel kernel.csv --cell 3,4",
        "allconv show conv --input-size 5x5 --kernel-size 3x3 -o page.html",
        'allconv show conv --axes 2 --input "1 2 / 3 4 // 5 6 / 7 8" --kernel "1 0 // 0 1"',
    ),
)
def command() -> None:
    """Show the working of a layer on your numbers.

    For every cell of the output: the cells that meet, their products and the sum. With --backward
    the same for the gradients of the input, the weights and the bias.

    \b
    Numbers stand between blanks or commas. Separate
      rows               with "/" or ";"    "1 2 3 / 4 5 6"        2 rows of 3
      planes, channels   with "//"          "1 2 / 3 4 // 5 6 / 7 8"
      sets of planes     with "///"         kernels: outputs, channels, rows
    or name a file: .npy, or .csv and text with a row a line, blank lines between planes and
    comments after "#"; "-" is the standard input. The input may be an image (PNG, JPEG ...): its
    grey levels, 0 for black to 9 for white, scaled to at most 9x9, or to --input-size HxW.

    With -o the same is a live page (.html), a picture (.svg) or a film (.gif). For numbers that
    do not matter, sizes will do: --input-size 5x5 --kernel-size 3x3 --channels 2-3.

    Without channels the arrays have as many axes as the window slides over. With channels the
    input is (channels, ...) and the kernel (outputs, channels, ...); --axes says over how many
    axes it slides, where that is not clear.
    """
