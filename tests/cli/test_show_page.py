"""`allconv show -o`: pages, pictures and films of what is shown; sizes in place of numbers."""

from __future__ import annotations

import json
import re
import shlex
import webbrowser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import allconv as ac
from allconv import functional as F
from allconv.cli.show import KINDS
from allconv.show.stage.picture import StagePicture
from allconv.show.stage.state import State

from .running import run

SIZES = {
    "conv": "--input-size 5x5 --kernel-size 3x3 --channels 2-3 --stride 2 --padding 1",
    "conv_transpose": "--input-size 2x2 --kernel-size 3 --channels 2-1 --stride 2",
    "local": "--input-size 4x4 --kernel-size 3 --channels 1-2",
    "linear": "--input-size 3x3 --channels 2-3",
    "max_pool": "--input-size 5x5 --kernel-size 2 --channels 2",
    "avg_pool": "--input-size 5 --kernel-size 2 --ceil-mode",
}
LINE = ("--input", "1 2 3 4", "--kernel", "1 2 3")
HELD = re.compile(r'<script [^>]*id="page"[^>]*>(.*?)</script>')


def written(*arguments: str) -> str:
    """What a command that succeeds prints."""
    result = run("show", *arguments)
    assert (result.status, result.said) == (0, []), result.err
    return result.out


def state_of(page: str | Path) -> State:
    """The state that a page was written with."""
    found = HELD.search(Path(page).read_text("utf-8"))
    assert found
    return State.of_address(json.loads(found[1])["address"])


def refused(*arguments: str) -> str:
    """The one sentence of a refusal, which leaves no file."""
    result = run("show", *arguments)
    assert result.status in (1, 2)
    assert len(result.said) == 1, result.err
    assert not [path for path in Path().rglob("*") if path.is_file()]
    return result.said[0]


def test_sizes_are_known_for_all_kinds() -> None:
    assert set(SIZES) == set(KINDS)


@pytest.mark.parametrize("kind", SIZES)
def test_sizes_alone_give_a_page_with_made_up_numbers(kind: str) -> None:
    """The numbers are those that the page draws itself, so its address holds none; the text of the
    command begins with the same result."""
    out = written(kind, *shlex.split(SIZES[kind]), "-o", "page.html")
    assert re.fullmatch(r"result: page\.html \(\d+\.\d kB\)\n", out)
    state = state_of("page.html")
    assert state.op == kind
    assert not state.edits
    text = run("show", kind, *shlex.split(SIZES[kind])).out
    first = re.search(r"^ *(?:y\[[\d,]+\])? = (-?[\d.]+)(?:, .*)?$", text, re.MULTILINE)
    assert first
    assert float(first[1]) == StagePicture.of(state).result[0]


def test_numbers_are_the_users() -> None:
    written("conv", *LINE, "--flip", "--padding", "half", "-o", "page.html")
    state = state_of("page.html")
    assert (state.op, state.dim, state.padding) == ("true_conv", 1, ((0, 0), (1, 1)))
    wanted = ac.convolve([1.0, 2, 3, 4], [1.0, 2, 3], padding="half")
    assert StagePicture.of(state).result == wanted.tolist()


def test_gradients_and_cells_are_chosen() -> None:
    given = (*LINE, "--backward", "1 10")
    written("conv", *given, "--leave", "w", "--cell", "2", "-o", "w.html")
    assert state_of("w.html").leave == "w"
    assert state_of("w.html").at == 2
    assert StagePicture.of(state_of("w.html")).result == [21, 32, 43]
    written("conv", *given, "--cell", "gx[1]", "-o", "x.html")  # the name of the cell says it
    assert (state_of("x.html").leave, state_of("x.html").at) == ("x", 1)


def test_pictures_and_films_are_chosen_by_the_ending() -> None:
    written("conv", *LINE, "-o", "a.svg")
    assert (
        Path("a.svg").read_text("utf-8")
        == ac.explain(ac.correlate, [1.0, 2, 3, 4], [1.0, 2, 3]).svg()
    )
    written("conv", *LINE, "-o", "a.gif")
    with Image.open(BytesIO(Path("a.gif").read_bytes())) as film:
        assert film.n_frames == 2


def test_a_file_of_the_name_is_replaced_and_no_other() -> None:
    written("conv", *LINE, "--flip", "-o", "page.svg")
    old = Path("page.svg").read_text("utf-8")
    Path("page.html").write_text("kept")
    written("conv", *LINE, "-o", "page.svg")
    assert old != Path("page.svg").read_text("utf-8")
    assert Path("page.html").read_text("utf-8") == "kept"
    assert {path.name for path in Path().iterdir()} == {"page.svg", "page.html"}


def test_the_browser_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    written("conv", *LINE, "-o", "page.svg", "--open")
    assert opened == [(tmp_path / "page.svg").as_uri()]
    out = written("conv", *LINE, "--open")
    (temporary,) = tmp_path.glob("allconv-*.html")
    assert opened[1:] == [temporary.as_uri()]
    assert str(temporary) in out


def test_of_a_batch_the_first_image_is_shown() -> None:
    np.save("x.npy", np.arange(32.0).reshape(2, 1, 4, 4))
    out = written("conv", "--axes", "2", "--input", "x.npy", "--kernel", "1 0 / 0 1", "-o", "a.svg")
    assert "note: it shows the first of 2 images" in out


def test_text_stays_text_without_a_file() -> None:
    assert "y[0] = x[0]*w[0]" in written("conv", *LINE)
    assert not list(Path().iterdir())


def test_drawn_kernels_of_local_layers_are_those_of_the_page() -> None:
    """Their cells come last in the library's order, and in the page's."""
    written("local", *shlex.split(SIZES["local"]), "-o", "page.html")
    picture = StagePicture.of(state_of("page.html"))
    x = np.reshape(picture.values.x, (1, 1, 4, 4))
    w = np.reshape(picture.values.w, (2, 1, 3, 3, 2, 2))
    assert picture.result == F.locally_connected2d(x, w).ravel().tolist()


REFUSED = {
    "another ending": ((*LINE, "-o", "a.png"), "ends in .html, .svg or .gif is expected"),
    "no ending": ((*LINE, "-o", "page"), "ends in .html, .svg or .gif is expected"),
    "no folder": ((*LINE, "-o", "none/a.svg"), "make the folder first"),
    "a name with a null": ((*LINE, "-o", "a\0.svg"), "not a legal name"),
    "leave without a file": ((*LINE, "--leave", "x"), "give -o FILE or --open"),
    "no such array": ((*LINE, "--leave", "z", "-o", "a.svg"), "--leave"),
    "a matrix": ((*LINE, "--matrix", "-o", "a.svg"), "leave them out with -o"),
    "two cells": (
        (*LINE, "--cell", "0", "--cell", "1", "-o", "a.svg"), "a page begins with one cell",
    ),
    "a slice": ((*LINE, "--cell", "0:1", "-o", "a.svg"), "a page begins with one cell"),
    "a cell that is not there": ((*LINE, "--cell", "9", "-o", "a.svg"), "--cell is (9,)"),
    "a cell of another array": (
        (*LINE, "--cell", "gw[0]", "--leave", "x", "-o", "a.svg"), "the page shows gx",
    ),
    "a gradient of another shape": (
        (*LINE, "--backward", "1 2 3", "-o", "a.svg"), "--backward is (3,); the result is (2,)",
    ),
    "too large": (
        ("--input-size", "28x28", "--kernel-size", "3", "-o", "a.svg"), "leave out -o",
    ),
    "three axes": (
        ("--input-size", "5x5x5", "--kernel-size", "3", "-o", "a.svg"), "3 axes are too many",
    ),
    "numbers and a size": ((*LINE, "--input-size", "5"), "give one of them"),
    "no kernel": (("--input-size", "5"), "missing option '--kernel' (or '--kernel-size')"),
    "no input": (("--kernel-size", "5"), "missing option '--input' (or '--input-size')"),
    "a size of 0": (("--input-size", "5x0", "--kernel-size", "1"), "5x0; 2 numbers of at least 1"),
    "a size below 0": (("--input-size", "-5", "--kernel-size", "1"), "at least 1"),
    "a size in words": (("--input-size", "five", "--kernel-size", "1"), "--input-size is five"),
    "a huge size": (("--input-size", "99999999", "--kernel-size", "1"), "too many to make up"),
    "a kernel that does not fit": (
        ("--input-size", "2", "--kernel-size", "5", "-o", "a.svg"), "does not fit",
    ),
    "channels in words": (
        ("--input-size", "5", "--kernel-size", "1", "--channels", "2-"), 'as in "2-3"',
    ),
    "channels of numbers": ((*LINE, "--channels", "2-3"), "give --input-size"),
    "groups that do not divide": (
        ("--input-size", "5", "--kernel-size", "1", "--channels", "2-3", "--groups", "2"),
        "does not divide 2 and 3",
    ),
    "a drawn kernel for channels": (
        ("--axes", "1", "--input", "1 2 // 3 4", "--kernel-size", "1"), "give --kernel",
    ),
    "a border of other numbers": (
        (*LINE, "--padding", "1", "--padding-mode", "circular", "-o", "a.svg"), "-mode zeros",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said_in_a_sentence(name: str) -> None:
    arguments, words = REFUSED[name]
    assert words in refused("conv", *arguments)


def test_a_folder_is_not_replaced() -> None:
    Path("a.svg").mkdir()
    assert "is a folder" in refused("conv", *LINE, "-o", "a.svg")
    assert Path("a.svg").is_dir()


def picture(name: str, height: int, width: int) -> None:
    """A grey image: black above, white below."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[height // 2 :] = 255
    Image.fromarray(pixels).save(name)


def test_an_image_is_an_input_of_gray_levels() -> None:
    picture("pic.png", 90, 60)
    written("conv", "--input", "pic.png", "--kernel-size", "3", "-o", "page.html")
    state = state_of("page.html")
    assert state.input == (9, 6)
    levels = [state.edits[f"x0.{row}.0"] for row in range(9)]
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (0, 9)
    assert all(level == int(level) for level in levels)


def test_the_size_of_an_image_is_chosen() -> None:
    picture("pic.png", 90, 60)
    given = ("--input", "pic.png", "--input-size", "4x2", "--kernel", "1 0 / 0 1")
    written("conv", *given, "-o", "page.html")
    assert state_of("page.html").input == (4, 2)
    out = written("max_pool", "--input", "pic.png", "--input-size", "4", "--kernel-size", "4")
    assert "9" in out


def test_a_small_image_keeps_its_size() -> None:
    picture("pic.png", 4, 3)
    assert written("max_pool", "--input", "pic.png", "--kernel-size", "4,3").count("\n") > 0
    written("conv", "--input", "pic.png", "--kernel", "1 2 / 3 4", "-o", "page.html")
    assert state_of("page.html").input == (4, 3)


IMAGES = {
    "a size of one axis": (("--input-size", "3x3x3"), "for an image HxW is expected"),
    "a huge size": (("--input-size", "9999"), "each 1 to 64"),
    "channels": (("--channels", "3"), "--channels is for made-up numbers"),
}


@pytest.mark.parametrize(("given", "words"), IMAGES.values(), ids=IMAGES)
def test_images_that_cannot_be_made_numbers(given: tuple[str, ...], words: str) -> None:
    picture("pic.png", 9, 9)
    result = run("show", "conv", "--input", "pic.png", "--kernel", "1 2 / 3 4", *given)
    assert result.status == 2
    assert len(result.said) == 1
    assert words in result.said[0]


def test_an_image_that_is_none_is_one_sentence() -> None:
    Path("pic.png").write_text("1 2 3")
    result = run("show", "conv", "--input", "pic.png", "--kernel", "1 2 3")
    assert (result.status, len(result.said)) == (2, 1)
    assert "pic.png" in result.said[0]


def test_a_part_is_for_arrays_and_not_for_settings() -> None:
    said = refused("conv", *LINE, "--stride", "5", "-o", "a.svg")
    assert "stride is 5; a page draws 1 to 4: leave out -o" in said
    said = refused("conv", "--input-size", "28x28", "--kernel-size", "3", "-o", "a.svg")
    assert "pass a part (in Python x[..., :9, :9])" in said
