"""What notebooks show of values: small, static, escaped, in colours of its own; and a notebook."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from reading_markup import Read

import allconv as ac
from allconv import functional as F
from allconv import nn, sizes
from allconv.engine.plan_text import PlanText, StepLine
from allconv.nn.summary import Summary, SummaryRow
from allconv.picture.table import MOST_ROWS, SIZE, LongTable, coloured, for_notebook, line, table

MOST = 40_000  # bytes
CONTROL = "".join(map(chr, (0, 7, 8, 27, 127, 155)))
TURNED = "".join(map(chr, (0x202E, 0x2066, 0x200F)))  # what turns the direction of writing

HOSTILE = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<iframe srcdoc='<b>'>",
    "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "' onmouseover='alert(1)",
    "<style>*{display:none}</style>", "</style><script>alert(1)</script>", "<![CDATA[", "]]>",
    "</td></tr></table><h1>", "<!--", "-->", "<?php echo 1 ?>", "&lt;b&gt;", "&amp;", "&",
    "&#x3c;script&#x3e;", "<a href=javascript:alert(1)>a</a>", "<base href=//a.example>",
    "`whoami`", "{{7*7}}", "${7*7}", "\\u003cscript\\u003e", f"a{CONTROL}b", f"a{TURNED}b",
    "a\nb\r\nc\td", "\ud800 \uffff", "ä漢字🙂", "a" * 100_000,
]  # fmt: skip
assert len(HOSTILE) == 30


def small() -> nn.Module:
    """A network of a few layers."""
    layers = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(4 * 64, 10))


def wide(count: int) -> nn.Module:
    """One of so many layers."""
    return nn.Sequential(*(nn.Linear(3, 3, bias=bool(n % 2)) for n in range(count)))


def numbers(*shape: int) -> Any:
    """Some with many digits."""
    return np.random.default_rng(0).normal(size=shape) * 1e-7


def plan(steps: int, layer: str = "layer") -> PlanText:
    """A plan of so many steps."""
    return PlanText(
        [StepLine("Correlate", f"Kernel{n % 90}", n, "why", layer) for n in range(steps)]
    )


def summary(rows: int, name: str = "layer", kind: str = "Linear") -> Summary:
    """A summary of so many layers."""
    return Summary(tuple(SummaryRow(name, kind, (1, 2), n, n) for n in range(rows)), rows, rows)


def convolved(*shape: int, channels: int = 2) -> Any:
    """The working of a convolution with its gradients."""
    w = numbers(channels, shape[1], 3, 3)
    return ac.working(F.conv2d, numbers(*shape), w, np.ones(channels), padding=1, grad_output=1)


VALUES: dict[str, Callable[[], Any]] = {
    "layer": lambda: nn.Conv2d(3, 8, 3, padding=1),
    "layer without arrays": lambda: nn.ReLU(),
    "module of nothing": lambda: nn.Module(),
    "network": small,
    "network of few": lambda: wide(MOST_ROWS),
    "network of many": lambda: wide(MOST_ROWS + 1),
    "large network": lambda: nn.networks.build("mobilenet-v2", 3, 224, 1000),
    "huge network": lambda: wide(3000),
    "summary": lambda: small().summary((1, 1, 8, 8)),
    "huge summary": lambda: summary(20_000),
    "plan": lambda: ac.compile(small(), (1, 1, 8, 8)).plan(),
    "huge plan": lambda: plan(20_000),
    "working": lambda: ac.working(ac.correlate, [1, 2, 3, 4], [1, 2, 3], grad_output=1),
    "middle working": lambda: convolved(1, 3, 5, 5),
    "large working": lambda: convolved(2, 40, 30, 30, channels=50),
    "view": lambda: convolved(1, 5, 30, 30).gw,
    "cell": lambda: convolved(1, 30, 30, 30).y[0, 1, 4, 4],
    "huge cell": lambda: convolved(1, 1, 100, 100).gw[0, 0, 1, 1],
    "field": lambda: ac.receptive_field(nn.Conv2d(1, 1, 3), (1, 1, 8, 8)),
    "fields": lambda: ac.receptive_field(lambda x: (x, x.sum(), x[0] * 2), (1, 1, 8, 8)),
    "field of another": lambda: ac.receptive_field(lambda x, y: x, (1, 1, 8), (1, 1, 8), input=1),
    "sizes": lambda: sizes.solve_sizes(4, 3, stride=2, padding=1),
    "counts": lambda: ac.count_layers(1, 1, (200, 200), 10, padding="same"),
    "count": lambda: ac.count_layers(1, 1, (200, 200), 10, padding="same")[0],
    "matrix": lambda: ac.as_matrix(nn.Conv2d(1, 1, 3), (1, 1, 4, 4)),
    "large matrix": lambda: ac.as_matrix(nn.Conv2d(4, 8, 3, padding=1), (1, 4, 32, 32)),
}


def check(html: str) -> Read:
    """What is shown is well formed, static, small, and refers to nothing."""
    read = Read(html)
    ElementTree.fromstring(html)  # noqa: S314 (it is our own)
    assert len(html.encode()) <= MOST
    known = {"div", "style", "p", "i", "table", "thead", "tbody", "tfoot", "tr", "th", "td"}
    known |= {"details", "summary", "svg", "g", "path", "rect", "text", "tspan"}
    assert {tag for tag, _ in read.elements} <= known
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")]
        assert attributes.pop("xmlns", "http://www.w3.org/2000/svg") == "http://www.w3.org/2000/svg"
        assert not re.search("://|url|javascript:", "".join(map(str, attributes.values())))
    assert not re.search("://|url|@import|<", read.styles)
    return read


@pytest.mark.parametrize("name", VALUES)
def test_what_is_shown_is_static_and_small(name: str) -> None:
    """For small values and for huge ones."""
    assert len(check(VALUES[name]()._repr_html_()).text) > 5


@pytest.mark.parametrize("name", ["network", "working", "matrix"])
def test_styles_reach_nothing_else(name: str) -> None:
    """Every rule begins with our class, and outweighs those that a notebook has for tables."""
    styles = check(VALUES[name]()._repr_html_()).styles
    assert "prefers-color-scheme:dark" in styles
    plain = re.sub(r"@media[^{]*\{(.*?\})\}", r"\1", styles)
    selectors = [rule.partition("{")[0] for rule in plain.split("}") if rule]
    scope = "svg.allconv" if name == "matrix" else "div.allconv.allconv.allconv"
    assert len(selectors) > 5
    assert [each for each in selectors if not each.startswith(scope)] == []


def named(name: str) -> Iterator[Any]:
    """Values that hold a name from outside, and are shown."""
    network = nn.Sequential(nn.ReLU())
    setattr(network, name, nn.Linear(2, 2))
    yield network
    layer = nn.ReLU()
    setattr(layer, name, nn.Parameter(np.ones(2)))
    yield layer
    if "\0" not in name and name.isprintable():
        yield nn.Sequential(type(name, (nn.Module,), {})())
    yield plan(2, name)
    yield plan(MOST_ROWS + 1, name)
    yield summary(2, name, name)
    yield summary(MOST_ROWS + 1, name, name)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_from_outside_are_text(name: str) -> None:
    """They stand in a cell as one text; what cannot be seen, and what is too long, is escaped."""
    visible = name if name.isprintable() else re.split(r"[^\x20-\x7e]", name)[0]
    for value in named(name):
        read = check(value._repr_html_())
        if len(name) < 60:
            assert visible in read.text
        assert all(each.isprintable() for each in read.text)


def test_a_network_is_a_row_a_layer() -> None:
    """Names, kinds, settings as they were given, parameters; and all of these."""
    cells = Read(small()._repr_html_()).cells
    assert cells[:8] == [
        "layer",
        "kind",
        "settings",
        "parameters",
        "0",
        "Conv2d",
        "1, 4, 3, padding=1",
        "40",
    ]
    assert cells[-4:] == ["all", "", "", "2,618"]
    html = wide(100)._repr_html_()
    assert Read(html).cells[:9] == [
        "kind", "layers", "parameters", "Linear", "100", "1,050", "all", "100", "1,050",
    ]  # fmt: skip
    assert "<details><summary>all 100 layers</summary>" in html


def test_shared_and_own_arrays_are_counted_once() -> None:
    """A layer that stands in two places; a module with an array beside its layers."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(2, 3)
            self.factor = nn.Parameter(np.ones(5))
            self.same = self.layer

    cells = Read(Scaled()._repr_html_()).cells
    assert cells[4:] == ["", "Scaled", "", "5", "layer", "Linear", "2, 3", "9", "all", "", "", "14"]


def test_a_layer_by_itself_shows_what_it_holds() -> None:
    """Its settings, and each array."""
    read = Read(nn.BatchNorm2d(4)._repr_html_())
    assert read.text.startswith("BatchNorm2d(4)")
    assert read.cells[5:10] == ["weight", "4", "float32", "changes", "4"]
    assert read.cells[15:20] == ["running_mean", "4", "float32", "stays", "4"]


def test_a_layer_with_words_of_its_own_has_them() -> None:
    """A `repr` that a class gives stands for the settings."""

    class Mine(nn.Module):
        def __repr__(self) -> str:
            return "<mine & only>"

    assert "<mine & only>" in Read(nn.Sequential(Mine())._repr_html_()).cells
    assert Read(Mine()._repr_html_()).text == "<mine & only>"


def test_a_network_is_not_run_and_its_parameters_are_not_drawn(monkeypatch) -> None:
    """To be shown is to be looked at."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it ran")

    for name in ("allconv.nn.module.run", "allconv.nn.module.trace_module"):
        monkeypatch.setattr(name, refuse)
    net = small()
    net._repr_html_()
    net[0]._repr_html_()
    assert [n for n, place in net.named_places().items() if place._array is not None] == []


def test_a_plan_is_text_with_lines() -> None:
    """Equal to what is printed; copied and pickled with its lines."""
    found = ac.compile(small(), (1, 1, 8, 8)).plan()
    assert isinstance(found, str)
    assert str(found) == repr(found) == "".join(found)
    assert found.splitlines()[0].split() == ["step", "kernel", "chunks", "algorithm", "layer"]
    assert len(found.splitlines()) == 1 + len(found.lines)
    for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301 (ours)
        assert (other, other.lines, type(other)) == (found, found.lines, PlanText)
    assert Read(found._repr_html_()).cells[5:10] == list(found.lines[0].texts)


def test_rows_that_do_not_fit_are_counted() -> None:
    """By their bytes; those that were never made, too."""
    html = table(["a", "b"], ([n, "ä" * 50] for n in range(100)), size=2000, more=" things")
    cells = Read(html).cells
    shown_rows = (len(cells) - 3) // 2
    assert cells[-1] == f"… {100 - shown_rows} more things"
    assert len(html.encode()) < 2300
    lazy = table(["a"], ([n] for n in range(3)), count=1000)
    assert Read(lazy).cells == ["a", "0", "1", "2", "… 997 more"]
    assert Read(table(["a"], [["b" * SIZE]], size=10)).cells == ["a", "b" * SIZE]
    assert Read(table([], [])).cells == []


def test_a_listing_adds_up_by_kind() -> None:
    """The kind of most comes first; as many rows as fit are below."""
    kinds = [("small", (1,)), *[("large", (10,))] * MOST_ROWS]
    listing = LongTable("things", ["n"], kinds, lambda n: [n], sums=["size"])
    assert Read(listing.html()).cells[:13] == [
        "kind", "things", "size", "large", "24", "240", "small", "1", "1", "all", "25", "241", "n",
    ]  # fmt: skip


def test_themes_and_colours() -> None:
    """Names in the colours of roles; what has none is text."""
    assert "prefers-color-scheme" not in for_notebook(line("a"), theme="dark")
    assert coloured("y", "<") == '<i class="y">&lt;</i>'
    assert coloured("gx", "<") == "&lt;"


CELLS = {
    "layer": "nn.Conv2d(1, 4, 3)",
    "network": "net",
    "summary": "net.summary((1, 1, 4, 4))",
    "plan": "ac.compile(net, (1, 1, 4, 4)).plan()",
    "working": "ac.working(ac.correlate, [1, 2, 3, 4], [1, 2, 3], grad_output=1)",
    "matrix": "ac.as_matrix(nn.Conv2d(1, 1, 3), (1, 1, 4, 4))",
    "history": "ac.fit(net, data, epochs=2)",
}
BEGIN = """\
import numpy as np
import allconv as ac
from allconv import nn
net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
data = np.arange(320.0, dtype=np.float32).reshape(20, 1, 4, 4) / 320, np.arange(20) % 2"""


def notebook(sources: list[str]) -> str:
    """A notebook with these cells, as its file has them."""
    cells = [
        {
            "cell_type": "code", "execution_count": None, "id": f"cell-{n}", "metadata": {},
            "outputs": [], "source": source,
        }
        for n, source in enumerate(sources)
    ]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    )


def nbconvert(home: Path, *arguments: str) -> str:
    """What nbconvert writes, in a process with settings of its own."""
    places = {f"JUPYTER_{name}_DIR": str(home) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **places, "IPYTHONDIR": str(home), "PYTHONWARNINGS": "default"}
    command = [sys.executable, "-m", "nbconvert", *arguments, "--stdout", "--log-level=ERROR"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(
    not (find_spec("nbconvert") and find_spec("ipykernel")),
    reason="nbconvert and ipykernel are not installed",
)
def test_a_notebook_is_run_and_converted() -> None:
    """From a clean kernel: every value is there as HTML, and stands in the page."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        book = home / "book.ipynb"
        book.write_text(notebook([BEGIN, *CELLS.values()]), "utf-8")
        run = nbconvert(home, "--to=notebook", "--execute", str(book))
        book.write_text(run, "utf-8")
        page = nbconvert(home, "--to=html", str(book))
    _, *cells = json.loads(run)["cells"]
    for name, cell in zip(CELLS, cells, strict=True):
        (output,) = cell["outputs"]
        html = "".join(output["data"]["text/html"])
        assert len(html.encode()) <= MOST, name
        # nbconvert writes pictures anew, attributes in another order: their texts are compared.
        assert [each for each in re.findall(">([^<>]+)<", html) if each not in page] == [], name
        assert "".join(output["data"]["text/plain"]), name
