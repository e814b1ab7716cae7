"""`allconv show`: the working of a layer on anybody's numbers, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from allconv.cli.failures import Misuse
from allconv.cli.group import examples
from allconv.cli.numbers import NumberArray
from allconv.cli.output import say
from allconv.cli.settings import Whole
from allconv.cli.steps import PaddingSetting, PerAxis
from allconv.errors import Error

if TYPE_CHECKING:
    from allconv.cli.show_call import ShownCall

STEPS = PerAxis()


@click.group(
    "show",
    epilog=examples(
        'allconv show conv --input "1 2 3 4" --kernel "1 2 3" --backward "1 1"',
        'allconv show conv --input "1 2 3 4" --kernel "1 2 3" --flip --padding half --stride 2',
        'allconv show max_pool --input "1 2 3 / 4 5 6" --kernel-size 2,2 --stride 1',
        "allconv show conv --input image.npy --kernel kernel.csv --cell 3,4",
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
    comments after "#"; "-" is the standard input.

    Without channels the arrays have as many axes as the window slides over. With channels the
    input is (channels, ...) and the kernel (outputs, channels, ...); --axes says over how many
    axes it slides, where that is not clear.
    """


def _numbers(name: str, text: str, **settings: Any) -> Callable[..., Any]:
    return click.option(name, type=NumberArray(), help=text, **settings)


def _steps(*names: str) -> list[Callable[..., Any]]:
    """Options of windows, by name."""
    texts = {
        "stride": "How far the window moves.",
        "dilation": "How far apart the taps of the kernel are.",
        "input_dilation": "How far apart the cells of the input are drawn.",
        "output_padding": "Cells added at the end of the output.",
        "output_size": "Which output, where several are possible.",
    }
    return [
        click.option(f"--{name.replace('_', '-')}", name, type=STEPS, help=texts[name])
        for name in names
    ]


PADDING = click.option(
    "--padding", type=PaddingSetting(),
    help="valid, half, same, same_lower, full or causal; or how many zeros, low:high an axis.",
)  # fmt: skip
POOL_PADDING = click.option(
    "--padding", type=STEPS,
    help="How many cells each side, at most half of the window. They are never the largest; "
    "averages take them as zeros, or leave them out.",
)  # fmt: skip
MODE = click.option(
    "--padding-mode", type=click.Choice(("zeros", "circular", "reflect", "replicate")),
    help="What stands in the padding.",
)  # fmt: skip
GROUPS = click.option("--groups", type=Whole(1), help="Parts of the channels that do not mix.")
FLIP = click.option("--flip", is_flag=True, help="True convolution: the kernel flipped.")
INPUT = _numbers("--input", "The input.", required=True)
KERNEL = _numbers("--kernel", "The weights.", required=True)
BIAS = _numbers("--bias", "One for each output channel.")
SIZE = click.option("--kernel-size", type=STEPS, required=True, help="Of the window.")
CEIL = click.option("--ceil-mode", is_flag=True, help="A last window for what is left over.")
AXES = click.option("--axes", type=Whole(1, 3), help="Over how many the window slides.")
MATRIX = click.option(
    "--matrix", is_flag=True, help="The layer as a matrix, with letters and numbers."
)
SHOWN = [
    _numbers("--backward", "The gradient of the output (one number: everywhere)."),
    click.option(
        "--cell", "cells", multiple=True, metavar="INDEX",
        help='Only this cell: "0,1", "gx[2]"; slices as in "0,:". May be given often.',
    ),
    click.option("--sizes", is_flag=True, help="How the size of the output comes about."),
]  # fmt: skip


def _subcommand(
    name: str, options: list[Callable[..., Any]], *lines: str
) -> Callable[[Callable[..., ShownCall]], click.Command]:
    """A kind of layer: its function makes the call that is shown."""

    def made(function: Callable[..., ShownCall]) -> click.Command:
        def run(
            backward: Any,
            cells: tuple[str, ...],
            sizes: bool,
            matrix: bool,
            **settings: Any,
        ) -> None:
            given = {n: value for n, value in settings.items() if value is not None}
            from allconv.cli import show_output, show_sizes

            try:
                call = function(**given)
                made = show_output.work_out(call, backward)
                lines = show_output.cell_texts(made, cells)
                lines += show_output.matrix_texts(made, call, name) if matrix else []
                lines += show_sizes.size_texts(made, call, name, given) if sizes else []
            except Misuse:
                raise
            except Error as error:
                raise Misuse(_as_options(str(error))) from None
            for line in "\n\n".join(lines).split("\n"):
                say(line)

        run.__doc__ = function.__doc__
        for option in reversed([*options, *SHOWN]):
            run = option(run)
        return command.command(name, epilog=examples(*lines))(run)

    return made


def _as_options(text: str) -> str:
    """A message of a function with the names of the options."""
    for name, option in (("weight", "--kernel"), ("grad_output", "--backward")):
        text = re.sub(rf"\b{name}\b", option, text)
    return text


@_subcommand(
    "conv",
    [INPUT, KERNEL, BIAS, *_steps("stride"), PADDING, MODE, *_steps("dilation", "input_dilation"),
     GROUPS, FLIP, AXES, MATRIX],
    'allconv show conv --input "1 2 3 4" --kernel "1 2 3"',
    'allconv show conv --input "1 2 3 / 4 5 6 / 7 8 9" --kernel "1 0 / 0 1" --backward 1 --matrix',
)  # fmt: skip
def _conv(
    input: Any, kernel: Any, bias: Any = None, axes: Any = None, **settings: Any
) -> ShownCall:
    """Convolution.

    The kernel slides as it is (correlation), or flipped with --flip (true convolution).
    """
    from allconv.cli.show_call import convolution

    return convolution(input, kernel, bias, axes, transposed=False, **settings)


@_subcommand(
    "conv_transpose",
    [INPUT, KERNEL, BIAS, *_steps("stride"), PADDING,
     *_steps("dilation", "output_padding", "output_size"), GROUPS, AXES, MATRIX],
    'allconv show conv_transpose --input "1 10" --kernel "1 2 3" --stride 2',
)  # fmt: skip
def _conv_transpose(
    input: Any, kernel: Any, bias: Any = None, axes: Any = None, **settings: Any
) -> ShownCall:
    """Transposed convolution.

    It is the adjoint of the convolution with the same settings. With channels the kernel is
    (channels, outputs, ...).
    """
    from allconv.cli.show_call import convolution

    return convolution(input, kernel, bias, axes, transposed=True, **settings)


@_subcommand(
    "local",
    [INPUT, KERNEL, BIAS, *_steps("stride"), PADDING, *_steps("dilation"), GROUPS, AXES, MATRIX],
    'allconv show local --input "1 2 3 4" --kernel "1 0 / 0 1 / 1 1"',
)
def _local(
    input: Any, kernel: Any, bias: Any = None, axes: Any = None, stride: Any = 1,
    padding: Any = 0, dilation: Any = 1, **settings: Any,
) -> ShownCall:  # fmt: skip
    """A locally connected layer.

    Every cell of the output has weights of its own. The kernel is one for all cells, or one for
    each, a row a cell: "1 0 / 0 1 / 1 1" are three of two taps. With channels it is in the order of
    nn.LocallyConnected, the cells last: (outputs, channels, *taps, *cells); --axes says over how
    many it slides.
    """
    from allconv.cli.show_call import local

    window = {"stride": stride, "padding": padding, "dilation": dilation}
    return local(input, kernel, bias, axes, **window, **settings)


@_subcommand(
    "linear",
    [INPUT, KERNEL, BIAS, MATRIX],
    'allconv show linear --input "1 2 3" --kernel "1 0 1 / 2 2 2" --bias "0.1 0.2"',
)
def _linear(input: Any, kernel: Any, bias: Any = None) -> ShownCall:
    """A linear layer.

    Every output is a sum over all inputs; the kernel has a row an output.
    """
    from allconv.cli.show_call import linear

    return linear(input, kernel, bias)


@_subcommand(
    "max_pool",
    [INPUT, SIZE, *_steps("stride"), POOL_PADDING, *_steps("dilation"), CEIL, AXES, MATRIX],
    'allconv show max_pool --input "1 5 2 3" --kernel-size 2 --backward "1 1"',
)
def _max_pool(input: Any, kernel_size: Any, axes: Any = None, **settings: Any) -> ShownCall:
    """Max pooling: the largest under the window."""
    from allconv.cli.show_call import pooling

    return pooling("max_pool", input, kernel_size, axes, **settings)


@_subcommand(
    "avg_pool",
    [INPUT, SIZE, *_steps("stride"), POOL_PADDING, CEIL,
     click.option("--count-include-pad/--no-count-include-pad", default=True, show_default=True,
                  help="Whether padding counts among the cells that are averaged."),
     AXES, MATRIX],
    'allconv show avg_pool --input "1 5 2 3" --kernel-size 2',
)  # fmt: skip
def _avg_pool(input: Any, kernel_size: Any, axes: Any = None, **settings: Any) -> ShownCall:
    """Average pooling: the mean under the window."""
    from allconv.cli.show_call import pooling

    return pooling("avg_pool", input, kernel_size, axes, **settings)
