"""`allconv explain`: a page for a file, a name and an image, and one sentence where that fails."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from data import making
from onnx import TensorProto, helper, numpy_helper

from .running import done, run


def strange(path: Path, domain: str = "", shape: tuple[int, ...] = (1, 3, 8, 8)) -> Path:
    """A file with an operator that is not read."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "fine"),
        helper.make_node("Det", ["a"], ["y"], "<script>bad</script>", domain=domain),
    ]
    return save(path, nodes, shape)


def save(path: Path, nodes: list[object], shape: tuple[object, ...]) -> Path:
    weight = numpy_helper.from_array(np.ones((2, 12), np.float32), "m")
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [weight],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    )
    return path


def vectors(path: Path) -> Path:
    """A network that takes no image."""
    return save(path, [helper.make_node("Gemm", ["x", "m"], ["y"], "g", transB=1)], (1, 12))


def picture(path: Path = Path("cat.png")) -> Path:
    return making.save(path, making.pattern(20, 24))


class Tags(HTMLParser):
    """The names of all elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


def test_a_trained_network_and_an_image(trained: Path) -> None:
    result = done("explain", trained / "model.onnx", "--image", picture())
    page = Path("model-explained.html").read_text("utf-8")
    assert "result: model-explained.html" in result.out
    assert page.startswith("<!doctype html>")
    assert all(word in page for word in ("bright", "dark", "Saliency", "multiply-adds"))
    assert Tags(page).names.count("script") == 1


def test_a_network_by_name() -> None:
    done("explain", "convnet", "--size", "16", "--image", picture())
    page = Path("convnet-explained.html").read_text("utf-8")
    assert "random" in page
    assert "Grad-CAM" in page


def test_the_name_is_numbered_where_it_is_taken() -> None:
    for name in ("plain-explained.html", "plain-explained-2.html", "plain-explained-3.html"):
        result = done("explain", "plain")
        assert name in result.out
        assert Path(name).is_file()


def test_out_is_that_file_and_is_replaced() -> None:
    done("explain", "local", "-o", "here.html")
    done("explain", "plain", "-o", "here.html")
    assert "plain, explained" in Path("here.html").read_text("utf-8")
    assert [path.name for path in Path().iterdir()] == ["here.html"]


def test_times_of_layers_are_measured_on_request() -> None:
    done("explain", "convnet", "--profile", "-o", "timed.html")
    done("explain", "convnet", "-o", "plain.html")
    timed, plain = (Path(name).read_text("utf-8") for name in ("timed.html", "plain.html"))
    assert timed.count('<th scope="row">time</th>') > 3
    assert '<th scope="row">time</th>' not in plain


@pytest.mark.parametrize("domain", ["", "com.example"])
def test_a_file_that_cannot_run_is_drawn(domain: str) -> None:
    result = done("explain", strange(Path("odd.onnx"), domain))
    assert "cannot run here" in result.out
    page = Path("odd-explained.html").read_text("utf-8")
    assert "cannot run" in page
    assert "&lt;script&gt;bad&lt;/script&gt;" in page
    assert Tags(page).names.count("script") == 1


@pytest.mark.parametrize("shape", [(8, 3, 8, 8), (5,), ()])
def test_a_file_that_takes_no_single_image_is_drawn(shape: tuple[int, ...]) -> None:
    result = done(
        "explain", save(Path("fixed.onnx"), [helper.make_node("Relu", ["x"], ["y"])], shape)
    )
    assert "which is not a batch of one image" in result.out
    assert "Relu" in Path("fixed-explained.html").read_text("utf-8")


def refusal(*arguments: str | Path) -> tuple[int, str]:
    """The status and the one sentence of a refusal, which leaves no page."""
    result = run("explain", *arguments)
    assert len(result.said) == 1, result.err
    assert not list(Path().glob("*-explained*.html"))
    return result.status, result.said[0]


def test_refusals_are_one_sentence() -> None:
    picture()
    Path("text.jpg").write_text("no image")
    Path("text.onnx").write_text("no network")
    Path("folder").mkdir()
    Path("folder.html").mkdir()
    vectors(Path("vectors.onnx"))
    vectors(Path("model.html"))
    strange(Path("odd.onnx"))
    save(Path("wide.onnx"), [helper.make_node("Relu", ["x"], ["y"], "r")], (1, 3, 8, 8))
    means = ("--mean", "0", "--std", "1")
    cases = [
        (2, "is expected", "nothing.onnx"),
        (1, "not an ONNX model", "text.onnx"),
        (1, "not a file", "folder"),
        (1, "no image", "vectors.onnx", "--image", "cat.png", *means),
        (1, "without --image it is drawn", "odd.onnx", "--image", "cat.png"),
        (1, "text.jpg", "plain", "--image", "text.jpg"),
        (1, "no such file", "plain", "--image", "gone.jpg"),
        (1, "is a folder", "plain", "-o", "folder"),
        (1, "is a folder", "plain", "-o", "folder.html"),
        (1, "make the folder first", "plain", "-o", "gone/page.html"),
        (2, "ends in .html", "vectors.onnx", "-o", "vectors.onnx"),
        (2, "ends in .html", "plain", "--image", "cat.png", "-o", "cat.png"),
        (1, "is there already", "model.html", "-o", "model.html"),
        (2, "--classes", "vectors.onnx", "--classes", "3"),
        (2, "--channels", "plain", "--channels", "2", "--image", "cat.png"),
        (2, "--maps", "plain", "--maps", "0"),
        (2, "give --image, too", "plain", "--maps", "8"),
        (2, "leave --channels out", "wide.onnx", "--channels", "2"),
        (2, "give --image", "plain", "--mean", "0.5"),
        (2, "give --image", "wide.onnx", "--std", "0.5,0.5,0.5"),
    ]
    for status, words, *arguments in cases:
        assert refusal(*arguments)[0] == status, arguments
        assert words in refusal(*arguments)[1], arguments


def test_a_network_of_vectors_is_drawn_without_an_image() -> None:
    done("explain", vectors(Path("vectors.onnx")))
    assert "1×12" in Path("vectors-explained.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["mobilenet-v2", "efficientnet-lite0", "resnet-18"])
def test_a_network_for_photographs_is_drawn_for_them(name: str) -> None:
    done("explain", name, "-o", "network.html")
    page = Path("network.html").read_text("utf-8")
    assert "colour images of 224 x 224; --size and --channels choose others" in page
    assert "1×3×224×224" in page
    assert page.count("Press a layer to read") == 1


def test_a_size_that_is_given_is_said() -> None:
    done("explain", "resnet-18", "--size", "64", "--channels", "1")
    page = Path("resnet-18-explained.html").read_text("utf-8")
    assert "grey images of 64 x 64. " in page
    assert "1×1×64×64" in page


def test_a_file_that_says_nothing_of_images_needs_their_mean() -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"], "mean"),
        helper.make_node("Flatten", ["p"], ["y"], "flat"),
    ]
    path = save(Path("pool.onnx"), nodes, (1, 3, 8, 8))
    status, said = refusal(path, "--image", picture())
    assert status == 2
    assert "--mean" in said
    given = ("--mean", "0.5,0.5,0.5", "--std", "0.2,0.2,0.2")
    done("explain", path, "--image", picture(), *given)


def test_a_file_of_open_size_asks_for_it() -> None:
    path = save(
        Path("open.onnx"), [helper.make_node("Relu", ["x"], ["y"], "r")], ("N", 3, "H", "W")
    )
    assert "--size" in refusal(path)[1]
    done("explain", path, "--size", "16")


def test_a_stem_that_begins_like_an_option_or_hides_is_a_name() -> None:
    vectors(Path("-v.onnx"))
    done("explain", "--", "-v.onnx")
    assert Path("-v-explained.html").is_file()
