"""`ac.explain`: the pages, pictures and films of a user's layer, and what is refused."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from report_pages import read

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ArgumentError, Error, FileError, LimitError, ShapeError, UnsupportedError
from allconv.show.explain import Explained
from allconv.show.stage.picture import StagePicture

X = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5) / 4
W = np.array([[[[1, 0, -1], [2, 0, -2], [1, 0, -1]]]], np.float32)


def result(explained: Explained) -> list[float]:
    """The values of the array that a page leaves out."""
    return StagePicture.of(explained.state).result


@pytest.mark.parametrize(
    ("call", "arrays", "settings"),
    [
        (ac.correlate, ([1, 2, 3, 4], [1, 2, 3]), {}),
        (ac.convolve, ([1, 2, 3, 4], [1, 2, 4]), {"padding": "full"}),
        (ac.correlate_transpose, ([1, 2], [1, 2, 4]), {"stride": 2}),
        (F.conv2d, (X, W), {"stride": 2, "padding": "same"}),
        (F.conv2d, (X, W), {"padding": ((-1, 2), (0, 1))}),
        (F.conv2d, (X, W, np.float32([0.5])), {"flip": True, "input_dilation": 2}),
        (F.conv_transpose2d, (X[..., :2, :3], W), {"stride": 3, "padding": "same"}),
        (F.max_pool2d, (X, 2), {"ceil_mode": True}),
        (F.max_pool2d, (X, 2), {"dilation": 2, "stride": 1, "padding": 1}),
        (F.avg_pool2d, (X, 3), {"stride": 2, "padding": 1, "count_include_pad": False}),
        (F.linear, (X.reshape(1, 25)[:, :6], np.ones((3, 6), np.float32)), {}),
    ],
)
def test_a_call_is_shown_with_its_numbers(
    call: Callable[..., Any], arrays: tuple[Any, ...], settings: dict[str, Any]
) -> None:
    explained = ac.explain(call, *arrays, **settings)
    wanted = np.ravel(call(*arrays, **settings)).tolist()
    assert result(explained) == pytest.approx(wanted, abs=1e-6)
    assert explained.address().startswith("#op=")
    assert str(explained) == str(ac.working(call, *arrays, **settings))


@pytest.mark.parametrize("leave", ["x", "w"])
def test_gradients_are_those_of_the_library(leave: str) -> None:
    gy = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    explained = ac.explain(F.conv2d, X, W, grad_output=gy, leave=leave)  # type: ignore[arg-type]
    _, pull = ac.vjp(F.conv2d, X, W)
    wanted = pull(gy)[0 if leave == "x" else 1]
    assert result(explained) == pytest.approx(np.ravel(wanted).tolist(), abs=1e-4)


def test_layers_are_shown_with_their_weights() -> None:
    layer = nn.Conv2d(2, 4, 3, padding=1, groups=2)
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 4)).astype(np.float32)
    explained = ac.explain(layer, x)
    assert result(explained) == pytest.approx(np.ravel(layer(x)).tolist(), abs=1e-5)
    local = nn.LocallyConnected1d(1, 2, 3, 6, bias=False)
    line = x.reshape(-1)[:6].reshape(1, 1, 6)
    assert result(ac.explain(local, line)) == pytest.approx(
        np.ravel(local(line)).tolist(), abs=1e-5
    )


def test_zeros_around_an_input_are_padding() -> None:
    """However they come there; of a maximum they are numbers as any other."""

    def padded(x: Any, w: Any) -> Any:
        return F.conv2d(F.pad(x, (1, 2)), w)

    state = ac.explain(padded, X, W).state
    assert (state.input, state.padding) == ((5, 5), ((0, 0), (1, 2)))
    pooled = ac.explain(lambda x: F.max_pool2d(F.pad(x, (1, 1)), 2, 1), X).state
    assert pooled.input == (5, 7)


def test_numbers_of_float32_are_as_they_were_typed() -> None:
    x = np.array([[[0.1, 0.2, 0.3]]], np.float32)
    address = ac.explain(F.conv1d, x, np.array([[[0.7]]], np.float32)).address()
    assert address.endswith("&x=0.1,0.2,0.3&w=0.7")


def test_of_a_batch_the_first_image_is_shown() -> None:
    both = np.concatenate([X, X + 1])
    explained = ac.explain(F.conv2d, both, W)
    assert result(explained) == result(ac.explain(F.conv2d, X, W))
    assert "the first of 2 images" in str(explained)
    assert "the first of 2 images" in explained.html()


def test_at_is_an_index_of_the_users_array() -> None:
    assert ac.explain(ac.correlate, [1, 2, 3, 4], [1, 2, 3], at=1).state.at == 1
    assert ac.explain(F.conv2d, X, W, at=(0, 0, -1, 0)).state.at == 6
    kernel = ac.explain(ac.convolve, [1, 2, 3, 4], [1, 2, 3], leave="w", at=2).state
    assert kernel.at == 2


REFUSED: dict[str, tuple[type[Error], str, Callable[[], Any]]] = {
    "three axes": (
        UnsupportedError,
        "1 or 2 axes, and this layer has 3",
        lambda: ac.explain(F.conv3d, X[None], W[None]),
    ),
    "too large": (
        LimitError,
        "input is 28 x 28; a page draws 1 to 9",
        lambda: ac.explain(F.conv2d, np.zeros((1, 1, 28, 28)), np.ones((1, 1, 3, 3))),
    ),
    "too many channels": (
        LimitError,
        "channels is 1 x 5; a page draws 1 to 4",
        lambda: ac.explain(F.conv2d, X, np.ones((5, 1, 3, 3), np.float32)),
    ),
    "a border that is not zeros": (
        UnsupportedError,
        'use padding_mode="zeros"',
        lambda: ac.explain(F.conv2d, X, W, padding=1, padding_mode="circular"),
    ),
    "a divisor": (
        UnsupportedError,
        "divisor_override",
        lambda: ac.explain(F.avg_pool2d, X, 2, divisor_override=3),
    ),
    "the gradient of weights": (
        UnsupportedError,
        "leave='w'",
        lambda: ac.explain(ac.correlate_weight, [1, 2, 3, 4], [1, 2]),
    ),
    "a bias a cell": (
        ShapeError,
        "one a cell",
        lambda: ac.explain(
            F.locally_connected1d, [[[1.0, 2]]], [[[[1.0, 1.0]]]], np.array([[1.0, 2.0]])
        ),
    ),
    "two layers": (
        UnsupportedError,
        "pass one layer",
        lambda: ac.explain(nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()), X),
    ),
    "no number": (
        UnsupportedError,
        "x holds NaN or infinity",
        lambda: ac.explain(ac.correlate, [1.0, np.nan], [1.0]),
    ),
    "an infinite gradient": (
        UnsupportedError,
        "grad_output holds NaN",
        lambda: ac.explain(ac.correlate, [1.0, 2], [1.0], grad_output=np.inf),
    ),
    "no such cell": (
        ArgumentError,
        "at is 7; the index of one cell of y, which is (2,), is expected",
        lambda: ac.explain(ac.correlate, [1, 2], [1], at=7),
    ),
    "a cell that no array has": (
        ArgumentError,
        "the index of one cell",
        lambda: ac.explain(ac.correlate, [1, 2], [1], at=2**63),
    ),
    "an image that is not shown": (
        ArgumentError,
        "of a batch the page shows the first image",
        lambda: ac.explain(F.conv2d, np.concatenate([X, X]), W, at=(1, 0, 0, 0)),
    ),
    "no such array": (
        ArgumentError,
        "leave is 'z'; one of",
        lambda: ac.explain(ac.correlate, [1], [1], leave="z"),  # type: ignore[arg-type]
    ),
    "weights of a pooling": (
        ArgumentError,
        "pooling has no weights",
        lambda: ac.explain(F.max_pool2d, X, 2, leave="w"),
    ),
    "no such theme": (
        ArgumentError,
        "theme",
        lambda: ac.explain(ac.correlate, [1], [1], theme="pink"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said_in_a_sentence(name: str) -> None:
    kind, words, call = REFUSED[name]
    with pytest.raises(kind) as refused:
        call()
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_whole_network_is_pointed_to_its_command() -> None:
    net = nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU(), nn.Conv1d(1, 1, 1))
    for given in ((), (np.ones((1, 1, 5), np.float32),)):
        with pytest.raises(Error, match=r"`allconv explain FILE\.onnx`"):
            ac.explain(net, *given)


def test_whole_numbers_are_refused_with_a_cure() -> None:
    with pytest.raises(ArgumentError, match=r"pass floats, such as x\.astype\(np\.float32\)"):
        ac.explain(F.conv1d, np.array([[[1, 2, 3]]]), np.array([[[1, 2]]]))


def test_files_are_chosen_by_their_ending(tmp_path: Path) -> None:
    explained = ac.explain(ac.correlate, [1, 2, 3, 4], [1, 2, 3])
    page, picture, film = (tmp_path / f"a.{kind}" for kind in ("html", "svg", "GIF"))
    film.write_bytes(b"replaced")
    assert [explained.save(each) for each in (page, picture, film)] == [page, picture, film]
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert ElementTree.fromstring(picture.read_text("utf-8")).tag.endswith("svg")  # noqa: S314
    assert film.read_bytes().startswith(b"GIF89a")
    assert sorted(tmp_path.iterdir()) == sorted([page, picture, film])


def test_other_files_are_refused(tmp_path: Path) -> None:
    explained = ac.explain(ac.correlate, [1, 2, 3, 4], [1, 2, 3])
    for name in ("a.png", "a", ".html"):
        with pytest.raises(ArgumentError, match=r"ends in \.html, \.svg or \.gif is expected"):
            explained.save(tmp_path / name)
    (tmp_path / "b.svg").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        explained.save(tmp_path / "b.svg")
    with pytest.raises(FileError, match="make the folder first"):
        explained.save(tmp_path / "none" / "b.svg")


def test_notebooks_get_the_live_page_in_a_frame_of_its_own() -> None:
    explained = ac.explain(F.conv2d, X, W, theme="dark")
    shown = explained._repr_html_()
    (found,) = read(shown).all("iframe")
    frame = found.attributes
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == explained.html()
    assert explained.svg() in shown
    assert shown.count("<script") == 0  # all of the page is inside the attribute


def test_a_page_holds_the_state_and_reads_without_scripts() -> None:
    explained = ac.explain(ac.correlate, [1, 2, 3, 4], [1, 2, 4], leave="w", at=1)
    page = explained.html()
    assert explained.address() in page
    assert "<svg" in page
    assert "<caption>gw[1] = " in page


def test_themes_can_be_chosen_for_each_picture() -> None:
    explained = ac.explain(ac.correlate, [1, 2, 3, 4], [1, 2, 3])
    assert len({explained.svg(theme) for theme in ("auto", "light", "dark")}) == 3
    assert explained.svg() == explained.svg("auto")
    with pytest.raises(ArgumentError, match="theme"):
        explained.svg("pink")


def test_the_browser_gets_a_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    explained = ac.explain(ac.correlate, [1, 2, 3, 4], [1, 2, 3])
    path = explained.open()
    try:
        assert opened == [path.as_uri()]
        assert path.read_text("utf-8") == explained.html()
    finally:
        path.unlink()
