"""What `allconv show` can show: kinds of layers.

Each is a function of `functional`; its options are the settings of that function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import click

from allconv import functional
from allconv.cli import show_call, show_output, show_page
from allconv.cli.failures import Misuse
from allconv.cli.group import examples
from allconv.cli.image_numbers import with_image
from allconv.cli.numbers import NumberArray
from allconv.cli.output import say
from allconv.cli.settings import Whole
from allconv.cli.show_call import ShownCall
from allconv.cli.window_options import PaddingSetting, PerAxis
from allconv.errors import Error

_NUMBERS, _SIZES = NumberArray(), PerAxis()
_INPUT = "The input: numbers, or a file of them; or an image, made grey, 0 (black) to 9 (white)."
_OPTIONS: Mapping[str, tuple[str, click.ParamType[Any] | None, str]] = {
    "x": ("--input", NumberArray(images=True), _INPUT),
    "weight": ("--kernel", _NUMBERS, "The weights."),
    "bias": ("--bias", _NUMBERS, "One for each output channel."),
    "kernel_size": ("--kernel-size", _SIZES, "Of the window."),
    "stride": ("--stride", _SIZES, "How far the window moves."),
    "padding": (
        "--padding",
        PaddingSetting(),
        "valid, half, same, same_lower, full or causal; or how many zeros, low:high an axis.",
    ),
    "padding_mode": (
        "--padding-mode",
        click.Choice(("zeros", "circular", "reflect", "replicate")),
        "What stands in the padding.",
    ),
    "dilation": ("--dilation", _SIZES, "How far apart the taps of the kernel are."),
    "input_dilation": ("--input-dilation", _SIZES, "How far apart the cells of the input are."),
    "output_padding": ("--output-padding", _SIZES, "Cells added at the end of the output."),
    "output_size": ("--output-size", _SIZES, "Which output, where several are possible."),
    "groups": ("--groups", Whole(1), "Parts of the channels that do not mix."),
    "flip": ("--flip", None, "True convolution: the kernel flipped."),
    "ceil_mode": ("--ceil-mode", None, "A last window for what is left over."),
    "count_include_pad": (
        "--count-include-pad/--no-count-include-pad",
        None,
        "Whether padding counts among the cells that are averaged.",
    ),
}
"""The option of each setting: its flag, its values (None: yes or no) and its help."""

_POOL_PADDING = (
    "--padding",
    _SIZES,
    "How many cells each side, at most half of the window. They are never the largest; averages "
    "take them as zeros, or leave them out.",
)
_SHOWN = [
    click.option("--axes", type=Whole(1, 3), help="Over how many the window slides."),
    click.option("--matrix", is_flag=True, help="The layer as a matrix, by letters and numbers."),
    click.option(
        "--backward", type=_NUMBERS, help="The gradient of the output (one number: everywhere)."
    ),
    click.option(
        "--cell", "cells", multiple=True, metavar="INDEX",
        help='Only this cell: "0,1", "gx[2]"; slices as in "0,:". May be given often.',
    ),
    click.option("--sizes", is_flag=True, help="How the size of the output comes about."),
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of layer: the function whose settings it has, and what makes a call of them."""

    name: str
    function: Callable[..., Any]
    call: Callable[..., ShownCall]
    text: str
    example: tuple[str, ...]

    def options(self) -> list[Callable[..., Any]]:
        """An option for each setting, then those of everything that is shown."""
        settings = signature(self.function).parameters
        is_linear = self.function is functional.linear
        sizes = [show_page.INPUT_SIZE, show_page.CHANNELS]
        if "kernel_size" not in settings and not is_linear:
            sizes.insert(1, show_page.KERNEL_SIZE)
        own = [_option(self, s) for s in settings.values() if s.name in _OPTIONS]
        shown = _SHOWN[1:] if is_linear else _SHOWN
        return [*own, *sizes, *shown, *show_page.PAGE_OPTIONS]


def _option(kind: Kind, setting: Parameter) -> Callable[..., Any]:
    flag, values, text = _OPTIONS[setting.name]
    if setting.name == "padding" and kind.call is show_call.pooling:
        flag, values, text = _POOL_PADDING
    if values is None:
        shown = "/" in flag
        return click.option(flag, setting.name, is_flag=True, default=setting.default,
                            show_default=shown, help=text)  # fmt: skip
    drawn = setting.name in ("x", "weight")  # where their sizes are given
    required = setting.default is Parameter.empty and not drawn
    return click.option(flag, setting.name, type=values, required=required, help=text)


KINDS = (
    Kind(
        "conv",
        functional.conv2d,
        show_call.convolution,
        """Convolution.

        The kernel slides as it is (correlation), or flipped with --flip (true convolution).
        """,
        (
            'allconv show conv --input "1 2 3 4" --kernel "1 2 3"',
            'allconv show conv --input "1 2 3 / 4 5 6 / 7 8 9" --kernel "1 0 / 0 1" '
            "--backward 1 --matrix",
        ),
    ),
    Kind(
        "conv_transpose",
        functional.conv_transpose2d,
        show_call.convolution,
        """Transposed convolution.

        It is the adjoint of the convolution with the same settings. With channels the kernel is
        (channels, outputs, ...).
        """,
        ('allconv show conv_transpose --input "1 10" --kernel "1 2 3" --stride 2',),
    ),
    Kind(
        "local",
        functional.locally_connected2d,
        show_call.local,
        """A locally connected layer.

        Every cell of the output has weights of its own. The kernel is one for all cells, or one
        for each, a row a cell: "1 0 / 0 1 / 1 1" are three of two taps. With channels it is in the
        order of nn.LocallyConnected, the cells last: (outputs, channels, *taps, *cells); --axes
        says over how many it slides.
        """,
        ('allconv show local --input "1 2 3 4" --kernel "1 0 / 0 1 / 1 1"',),
    ),
    Kind(
        "linear",
        functional.linear,
        show_call.linear,
        """A linear layer.

        Every output is a sum over all inputs; the kernel has a row an output.
        """,
        ('allconv show linear --input "1 2 3" --kernel "1 0 1 / 2 2 2" --bias "0.1 0.2"',),
    ),
    Kind(
        "max_pool",
        functional.max_pool2d,
        show_call.pooling,
        "Max pooling: the largest under the window.",
        ('allconv show max_pool --input "1 5 2 3" --kernel-size 2 --backward "1 1"',),
    ),
    Kind(
        "avg_pool",
        functional.avg_pool2d,
        show_call.pooling,
        "Average pooling: the mean under the window.",
        ('allconv show avg_pool --input "1 5 2 3" --kernel-size 2',),
    ),
)


def command_of(kind: Kind) -> click.Command:
    """The subcommand of a kind."""

    def run(
        backward: Any,
        cells: tuple[str, ...],
        sizes: bool,
        matrix: bool,
        out: str | None,
        opened: bool,
        leave: str | None,
        input_size: Any,
        channels: tuple[int, int] | None,
        drawn_kernel: Any = None,
        **settings: Any,
    ) -> None:
        given = {name: value for name, value in settings.items() if value is not None}
        if backward is not None and backward.size == 1:  # everywhere
            backward = backward.reshape(())
        page = show_page.Page(out, opened, leave)
        if page.is_asked and (matrix or sizes):
            raise Misuse("--matrix and --sizes are text; leave them out with -o and --open")
        lines: list[str] = []
        try:
            given, input_size = with_image(given, input_size)
            given = show_page.with_made_up(kind.name, given, input_size, drawn_kernel, channels)
            call = kind.call(kind.name, **given)
            if page.is_asked:
                written = show_page.page_of(call, page, backward, cells)
            else:
                made = show_output.work_out(call, backward)
                lines = show_output.cell_texts(made, cells)
                lines += show_output.matrix_texts(made, call, kind.name) if matrix else []
                lines += show_output.size_texts(made, call, kind.name, given) if sizes else []
        except Misuse:
            raise
        except Error as error:
            raise Misuse(_as_options(str(error))) from None
        if page.is_asked:
            written.write()
            return
        for line in "\n\n".join(lines).split("\n"):
            say(line)

    for option in reversed(kind.options()):
        run = option(run)
    return click.command(kind.name, help=kind.text, epilog=examples(*kind.example))(run)


def _as_options(text: str) -> str:
    """A message of a function with the names of the options."""
    for name, option in (("weight", "--kernel"), ("grad_output", "--backward")):
        text = re.sub(rf"\b{name}\b", option, text)
    text = text.replace("ac.working writes it out as text", "leave out -o, and it is text")
    text = text.replace('padding_mode="zeros"', "--padding-mode zeros")
    return re.sub(r"^at is\b", "--cell is", text)


COMMANDS = {kind.name: command_of(kind) for kind in KINDS}
