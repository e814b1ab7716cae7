"""Docstrings on the site read as they are written."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCSTRINGS = runpy.run_path(str(ROOT / "docs/docstrings.py"))
GRAPHS = runpy.run_path(str(ROOT / "docs/graphs.py"))


def rst(text: str) -> str:
    """A docstring as the site reads it."""
    return "\n".join(DOCSTRINGS["as_rst"](text.split("\n"))).rstrip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a `b` c", "a ``b`` c"),
        ("(`b`), `c`'s", "(``b``\\ ), ``c``\\ 's"),
        ("2*x_ | `y_*`", "2\\*x\\_ \\| ``y_*``"),
        ("a lone ` sign", "a lone \\` sign"),
        ("ends in a\\", "ends in a\\\\"),
    ],
)
def test_nothing_is_markup_but_names(text: str, expected: str) -> None:
    """Names between backticks are code; every other sign is itself."""
    assert rst(text) == expected


def test_two_columns_are_settings() -> None:
    """A name and what it is, which may go on below."""
    table = "x, w     arrays\nstride   a number, or\n         one an axis"
    assert rst(table) == "``x, w``\n   arrays\n``stride``\n   a number, or\n   one an axis"


def test_a_long_name_has_its_text_below() -> None:
    """Where it leaves no room beside it; a sentence after a table makes it none."""
    table = "x        an array\nx, w and others\n         arrays"
    assert rst(table) == "``x``\n   an array\n``x, w and others``\n   arrays"
    assert rst("x   an array\nThat is all.").startswith(".. code-block:: text")


def test_columns_that_are_not_aligned_stay_as_they_are() -> None:
    """Such a table is drawn with its blanks."""
    table = "x   arrays\nstride      a number"
    assert rst(table) == f".. code-block:: text\n\n   {table.replace(chr(10), chr(10) + '   ')}"


def test_a_formula_begins_a_line() -> None:
    """So that it is seen."""
    assert rst("Shapes: x (N).\ny[n] = 2*x[n]") == "Shapes: x (N).\n\ny[n] = 2\\*x[n]"


def test_settings_after_a_sentence() -> None:
    """`name: what it is`; sentences that begin with a word and a colon stay sentences."""
    text = "Learns.\nsize: of images,\n    in pixels.\nErrors: none.\nmore: a setting"
    size, more = "``size``\n   of images,\n   in pixels.", "``more``\n   a setting"
    assert rst(text) == f"Learns.\n\n{size}\n\nErrors: none.\n\n{more}"


def test_what_is_indented_stays_as_it_is() -> None:
    """Formulas, trees and programs, blank lines inside too."""
    text = "As in\n\n    y = x*w\n\n    z = `y`\n\nand so on."
    assert (
        rst(text)
        == "As in\n\n.. code-block:: text\n\n       y = x*w\n\n       z = `y`\n\nand so on."
    )


def test_examples_are_examples() -> None:
    """A prompt begins one; it ends at a blank line."""
    assert rst("A.\n\n>>> f(`x`)\n1") == "A.\n\n.. code-block:: pycon\n\n   >>> f(`x`)\n   1"


def test_a_graph_is_drawn_from_top_to_bottom() -> None:
    """Each box once, below all that lead to it; what it says is escaped, and told in words."""
    source = (
        'graph TD\n  a["top"] --> b["<mid>"]\n  b["<mid>"] --> c["end"]\n  a["top"] --> c["end"]'
    )
    drawn = GRAPHS["drawn"](source)
    assert GRAPHS["ranks"]([("a", "b"), ("b", "c"), ("a", "c")]) == [["a"], ["b"], ["c"]]
    assert drawn.count("<rect") == drawn.count("url(#arrow)") == 3
    assert "&lt;mid&gt;</text>" in drawn
    assert "<mid>" not in drawn
    assert "top stands on end" in drawn
