"""`ac.explain`: one layer on small arrays as a live page, a picture or a film.

print(ac.explain(...))                            # the working, as text
ac.explain(...).save("page.html")                 # or .svg, or .gif
ac.explain(...).open()                            # in the browser
ac.explain(...)                                   # in a notebook: the live page
"""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from allconv.errors import ArgumentError, Error
from allconv.files import atomic_write
from allconv.intake.settings import choice
from allconv.picture.markup import Markup, element
from allconv.show.page.document import THEMES
from allconv.show.stage.call import state_of_call
from allconv.show.stage.gif import stage_gif
from allconv.show.stage.state import State
from allconv.show.stage.svg import stage_svg
from allconv.show.window_call import record_call
from allconv.show.working import Working, upstream, working
from allconv.text import printable

SUFFIXES = (".html", ".svg", ".gif")
FRAME = "display:block;width:100%;height:60rem;max-height:90vh;border:0"


@dataclass(frozen=True, repr=False)
class Explained:
    """A layer on arrays, to be looked at.

    state    what is shown, as the page's address has it
    theme    "auto" (the reader's), "light" or "dark"
    note     what is not shown: other images of a batch
    """

    state: State
    theme: str
    note: str
    _work: Callable[[], Working] = field(compare=False)

    def html(self) -> str:
        """The live page: one file that opens anywhere and fetches nothing."""
        from allconv.show.page.operator_page import TITLE, operator_page

        title = TITLE + (f" ({self.note})" if self.note else "")
        return operator_page(self.state, theme=self.theme, title=title)

    def svg(self, theme: str | None = None) -> str:
        """The stage as a picture."""
        chosen = self.theme if theme is None else choice("theme", theme, THEMES)
        return str(stage_svg(self.state, theme=chosen))

    def gif(self) -> bytes:
        """The stage as a film, one frame for each cell of the result; LimitError above 256."""
        return stage_gif(self.state)

    def address(self) -> str:
        """What follows the page's own address to show this: "#op=conv&..."."""
        return self.state.address()

    def save(self, path: str | Path) -> Path:
        """Write a page (.html), a picture (.svg) or a film (.gif), as the name ends; a file of this
        name is replaced."""
        target = Path(path)
        atomic_write(target, self.written_as(target))
        return target

    def written_as(self, path: str | Path) -> bytes:
        """What `save` writes to a file of this name; ArgumentError for another ending."""
        match file_kind(path):
            case ".html":
                return self.html().encode()
            case ".svg":
                return self.svg().encode()
            case _:
                return self.gif()

    def open(self) -> Path:
        """Show the page in the browser, from a temporary file, which is returned."""
        with tempfile.NamedTemporaryFile(
            "wb", prefix="allconv-", suffix=".html", delete=False
        ) as file:
            file.write(self.html().encode())
        path = Path(file.name)
        webbrowser.open(path.as_uri())
        return path

    def __str__(self) -> str:
        text = str(self._work())
        return f"{text}\n\n(the page shows {self.note})" if self.note else text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The live page in a frame of its own, which can reach nothing else of the notebook."""
        return element(
            "iframe",
            Markup(self.svg()),
            sandbox="allow-scripts",
            srcdoc=self.html(),
            style=FRAME,
            title="allconv: one layer, cell by cell",
        )


def explain(
    layer_or_function: Callable[..., Any],
    /,
    *arrays: Any,
    grad_output: Any = None,
    leave: Literal["x", "w", "y"] = "y",
    at: int | Sequence[int] | None = None,
    theme: str = "auto",
    **settings: Any,
) -> Explained:
    """One layer or function on small arrays, to be looked at: what meets, multiplied and added up.

    For convolution, true convolution, transposed, locally connected and linear layers, max and
    average pooling, in 1-D and 2-D; layers of `nn`, functions of `functional`, the plain
    `ac.correlate` and its family, or a function of yours around one of them.

    arrays       operands; numbers, texts, tuples and None are passed on as they are
    grad_output  the gradient of what is returned, in its shape (a number: the same everywhere);
                 without it the page makes one up
    leave        "y" shows what is computed, "x" and "w" the gradients of the input and the weights
    at           the cell that the page opens with, by the index of the array that is left out
    theme        "auto" (the reader's), "light" or "dark"
    settings     passed to the function: stride=2, padding="half"

    Errors: UnsupportedError for what a page cannot show, LimitError for what is too large: inputs
    are 9 x 9 at most, or 16 on a line; those of the layer itself.

    >>> import allconv as ac
    >>> ac.explain(ac.correlate, [1, 2, 3, 4], [1, 2, 3]).address()
    '#op=conv&dim=1&input=4&kernel=3&leave=y&at=0'
    """
    from allconv.nn import Sequential

    choice("theme", theme, THEMES)
    try:
        call = record_call(layer_or_function, arrays, settings)
    except Error as error:
        if not isinstance(layer_or_function, Sequential):
            raise
        raise type(error)(
            f"{error}; for a whole network there is `allconv explain FILE.onnx`, of a file that "
            "allconv.onnx.save writes"
        ) from None
    gy = upstream(call.result, grad_output)
    state, note = state_of_call(call, gy, leave=leave, at=at)

    def work() -> Working:
        return working(layer_or_function, *arrays, grad_output=grad_output, **settings)

    return Explained(state, theme, note, work)


def file_kind(path: str | Path) -> str:
    """The kind of file that a name asks for; ArgumentError for any other."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ArgumentError(
            f"the file is {printable(path, 60)}; a name that ends in .html, .svg or .gif is "
            "expected"
        )
    return suffix
