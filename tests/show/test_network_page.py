"""The page of a network: it holds together, stays small, obeys no name, and draws what
cannot run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import network_files as files
import numpy as np
import pytest
from network_files import MAGIC
from network_subjects import SHAPE, check_links, layers, quiet, recorded, with_photo
from report_pages import Element, pictures, read

from allconv import functional as F
from allconv import nn
from allconv.operators.base import Spec
from allconv.show.network import evidence as ev
from allconv.show.network import page as pages
from allconv.show.network.layers import DrawnLayer
from allconv.show.network.page import Subject, page
from allconv.show.network.photo import sees
from allconv.show.network.read import network_of_file, read_messages
from allconv.show.network.record import record_network
from allconv.show.network.stage import glimpse_of
from allconv.show.network.values import Photo, compute, layer_values, maps_of, scores_of
from allconv.show.stage.picture import StagePicture
from allconv.text import printable
from allconv.trace import trace


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return with_photo(files.classifier(tmp_path_factory.mktemp("network") / "net.onnx"))


@pytest.fixture(scope="module")
def whole(subject: Subject) -> Element:
    return read(page(subject, 4))


def test_every_layer_has_a_box_and_a_section_under_its_name(whole: Element) -> None:
    heads = [each.all("h3")[0].text for each in layers(whole)]
    operators = ["Input", "Conv", "Relu", "Conv", "Add", "GlobalAveragePool", "Flatten", "Gemm"]
    assert [head.split(" ")[0] for head in heads] == [*operators, "Output"]
    assert heads[1] == "Conv block.0/op"
    boxes = {each.attributes["href"] for each in whole.all("a", "box")}
    assert boxes == {f"#layer-{n}" for n in range(9)}


def test_a_section_says_shapes_costs_and_what_a_unit_sees(whole: Element) -> None:
    rows = {row.all("th")[0].text: row.all("td")[0].text for row in layers(whole)[3].all("tr")}
    assert rows["input shape"] == rows["output shape"] == "1×4×16×16"
    assert rows["parameters"] == "144"
    assert rows["multiply-adds"] == f"{144 * 256:,}"
    assert rows["memory of the output"] == "4.0 KiB"
    assert rows["receptive field"] == "5 of 16 × 5 of 16"
    assert rows["pads"] == "1, 1, 1, 1"
    assert rows["input from"] == "block.1/op (Relu)"


def test_shapes_stand_beside_the_lines(whole: Element) -> None:
    texts = [each.text for each in whole.all("g", "shapes")[0].all("text")]
    assert {"1×3×16×16", "1×4×16×16", "1×4×1×1", "1×2"} <= set(texts)


def test_links_lead_somewhere(whole: Element) -> None:
    check_links(whole)


def test_pictures_decode_and_say_what_they_show(whole: Element) -> None:
    found = pictures(whole)
    assert len(found) >= 8
    assert all(each.attributes["alt"] for each in whole.all("img"))
    kernels = layers(whole)[1].all("figure", "kernels")
    assert "4 of 4 kernels in colours" in kernels[0].text


def test_the_classes_are_named_with_their_shares(subject: Subject, whole: Element) -> None:
    rows = whole.at("answer").all("table", "classes")[0].all("tr")
    assert sorted(row.all("th")[0].text for row in rows) == ["cat", "dog"]
    shares = [float(row.all("td")[0].text.split()[0]) for row in rows]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert shares == sorted(shares, reverse=True)


def test_the_page_reads_without_its_script(whole: Element) -> None:
    """Nothing is hidden but by a class that only the script gives."""
    assert not [each for each in whole.all() if "hidden" in each.attributes]
    assert "live" not in {each.attributes.get("class") for each in whole.all()}
    assert len(whole.all("script")) == 1


def test_the_field_of_the_middle_unit_is_drawn(subject: Subject, whole: Element) -> None:
    figure = layers(whole)[1].all("figure", "field")[0]
    assert figure.text == "Unit 8, 8 of 16 × 16 sees rows 7 to 9 and columns 7 to 9."
    frame = figure.all("rect", "seen")[0].attributes
    assert [frame[name] for name in ("x", "y", "width", "height")] == ["7", "7", "3", "3"]


def test_a_value_without_places_has_no_field_on_the_image() -> None:
    assert sees((), (1, 10), (16, 16)) == ""


def test_gradients_are_those_of_differences(subject: Subject) -> None:
    """Saliency is the slope of the score: a step along it is measured."""
    run, photo, scores = subject.run, subject.photo, subject.scores
    assert run
    assert photo
    assert scores
    _, inside = ev.last_convolution(run)
    slope, inner = ev.slopes(run, photo.x, scores.value, 1, inside)
    assert inside is not None
    assert inner.shape == inside.shape
    step = np.zeros_like(photo.x)
    step[0, 1, 5, 6] = 1e-2
    up, down = (
        compute(run, photo.x + sign * step, [scores.value])[0].reshape(-1)[1] for sign in (1, -1)
    )
    assert slope[0, 1, 5, 6] == pytest.approx((up - down) / 2e-2, rel=0.05, abs=1e-4)


def test_covering_what_alone_counts_takes_the_probability(tmp_path: Path) -> None:
    """A network that looks at one corner loses its class where that corner is covered."""
    from onnx import helper

    mask = np.zeros((2, 3 * 256), np.float32)
    mask.reshape(2, 3, 16, 16)[1, :, :2, :2] = 3
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "m"], ["y"], "linear", transB=1),
    ]
    run = recorded(files.save(tmp_path / "corner.onnx", nodes, arrays={"m": mask}))
    x = np.zeros(SHAPE, np.float32)
    x[..., :2, :2] = 1
    scores = scores_of(run, x)
    assert scores is not None
    drops = ev.occlusion(run, x, scores, 1, quiet)
    assert drops is not None
    assert drops.argmax() == 0
    assert drops[0, 0] > 0.3
    assert np.abs(drops.reshape(-1)[1:]).max() < 0.01


@pytest.mark.parametrize("text", MAGIC)
def test_no_text_of_a_file_becomes_markup(text: str, tmp_path: Path, subject: Subject) -> None:
    path = files.classifier(
        tmp_path / "net.onnx", names=[text] * 7, classes=[text, "dog"], note=text
    )
    hostile = read(page(with_photo(path), 4))
    plain = read(page(subject, 4))
    allowed = {(each.name, tuple(each.attributes)) for each in plain.all()} | {
        ("p", ("class",)), ("a", ("href",)),
    }  # fmt: skip
    assert {(each.name, tuple(each.attributes)) for each in hostile.all()} <= allowed
    assert len(hostile.all("script")) == 1
    check_links(hostile)
    shown = printable(text)
    assert layers(hostile)[1].all("h3")[0].text == f"Conv {shown}"
    assert shown in {each.text for each in hostile.at("answer").all("th")}
    assert layers(hostile)[1].all("p", "note")[0].text == printable(" ".join(text.split()))


@pytest.mark.parametrize("text", MAGIC)
def test_no_text_of_a_file_that_cannot_run_becomes_markup(text: str, tmp_path: Path) -> None:
    path = files.refused(tmp_path / "net.onnx", names=(text, text))
    network = network_of_file(read_messages(path), text, text)
    root = read(page(Subject(network)))
    assert len(root.all("script")) == 1
    assert not root.all("img")
    assert len(root.all("h1")) == 1
    assert root.all("h1")[0].text == printable(text)
    check_links(root)


def test_a_file_that_cannot_run_is_drawn_with_the_reasons(tmp_path: Path) -> None:
    path = files.refused(tmp_path / "net.onnx")
    root = read(page(Subject(network_of_file(read_messages(path), "net.onnx", "Det is not read"))))
    assert "Det is not read" in root.all("div", "refusal")[0].text
    refused = {each.all("h3")[0].text for each in layers(root) if each.all("p", "refusal")}
    assert refused == {"Det cut", "Strange odd"}
    boxes = {box.all("title")[0].text for box in root.all("a", "refused")}
    assert boxes == {f"{each}, cannot run here" for each in refused}
    rows = {row.all("th")[0].text: row.all("td")[0].text for row in layers(root)[1].all("tr")}
    assert rows["output shape"] == "1×4×14×14"
    assert rows["parameters"] == "108"


def test_nodes_in_no_order_or_in_a_cycle_are_drawn(tmp_path: Path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("Relu", ["b"], ["y"], "last"),
        helper.make_node("Relu", ["a"], ["b"], "middle"),
        helper.make_node("Add", ["x", "q"], ["a"], "first"),
        helper.make_node("Relu", ["p"], ["q"], "round"),
        helper.make_node("Relu", ["q"], ["p"], "again"),
    ]
    path = files.save(tmp_path / "net.onnx", nodes)
    network = network_of_file(read_messages(path), "net.onnx", "no order")
    assert {each.name for each in network.layers} == {
        "x", "y", "last", "middle", "first", "round", "again",
    }  # fmt: skip
    assert all(s.layer < each.number for each in network.layers for s in each.sources)
    check_links(read(page(Subject(network))))


def test_a_network_by_name_is_drawn_by_its_modules() -> None:
    net = nn.networks.build("resnet-18", 3, (32, 32), 10)
    run = record_network(net, (1, 3, 32, 32), "resnet-18")
    found = run.network.layers
    assert sum(layer.parameters for layer in found) == sum(
        place.size for name, place in net.parameters().items()
    )
    assert sum(facts.multiply_adds for facts in run.facts.values()) == run.recorded.graph.cost()
    assert any(layer.operator == "Conv2d" for layer in found)
    joins = [layer for layer in found if layer.operator == "Add"]
    assert len(joins) == 8
    assert all(len(layer.sources) == 2 for layer in joins)


def test_numbers_that_are_not_finite_are_still_a_page(subject: Subject) -> None:
    assert subject.run is not None
    x = np.full(SHAPE, np.nan, np.float32)
    assert scores_of(subject.run, x) is None
    maps = layer_values(subject.run, x, lambda array, field: maps_of(array, field, 4), quiet)
    photo = Photo("nan", np.zeros((16, 16, 3), np.uint8), x)
    root = read(page(Subject(subject.run.network, subject.run, photo, maps=maps)))
    assert "no scores" in root.at("answer").text
    assert pictures(root)


def test_a_name_of_a_megabyte_is_cut(tmp_path: Path) -> None:
    path = files.refused(tmp_path / "net.onnx", names=("n" * 1_000_000, "odd"))
    network = network_of_file(read_messages(path), "net.onnx", "why")
    assert len(page(Subject(network))) < 100_000


def test_what_is_missing_is_said_of_classes_without_names(subject: Subject) -> None:
    other = Subject(**{**vars(subject), "photo": SimpleNamespace(**vars(subject.photo))})
    other.photo.classes = ("only one",)
    root = read(page(other))
    assert {each.text for each in root.at("answer").all("th")} == {"class 0", "class 1"}


def test_windows_show_what_layers_compute() -> None:
    """The numbers of a glimpse are the network's: a pooling's exactly, a convolution's in part."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1, 2, 9, 11)).astype(np.float32)
    w = rng.normal(size=(3, 2, 3, 3)).astype(np.float32)
    calls = {
        "correlate": (lambda x, w: F.conv2d(x, w, stride=2, padding=1), (x, w)),
        "transposed": (
            lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1),
            (x, w.swapaxes(0, 1).copy()),
        ),
        "pool": (lambda x: F.max_pool2d(x, 3, 2, 1), (x,)),
    }
    for name, (function, arrays) in calls.items():
        graph = trace(function, *(Spec.of(each) for each in arrays)).graph
        (node,) = graph.nodes
        operands = [arrays[graph.inputs.index(value)] for value in node.inputs]
        glimpse = glimpse_of(node, operands)
        assert glimpse is not None, name
        picture = StagePicture.of(glimpse.state)
        shown = np.reshape(picture.result, picture.model.sizes["y"])
        made = np.asarray(function(*arrays))[0, 0]
        places = np.lib.stride_tricks.sliding_window_view(made, shown.shape)
        found = np.isclose(places, shown, atol=1e-5).all(axis=(2, 3))
        assert found.sum() == 1, name


@pytest.mark.parametrize("name", MAGIC)
def test_the_title_of_a_layer_is_one_line_that_turns_nothing(name: str) -> None:
    assert DrawnLayer(0, name, name).title.isprintable()


def test_two_networks_beside_each_other() -> None:
    """Both are counted, by operator too; names stay text."""
    runs = [
        record_network(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), (1, 1, 8, 8), "<b>one"),
        record_network(nn.Sequential(nn.Conv2d(1, 4, 5)), (1, 1, 8, 8), "other"),
    ]
    one, other = (Subject(run.network, run) for run in runs)
    section = read(page(replace(one, beside=other))).at("beside")
    assert not section.all("b")
    facts, operators = (
        {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in each.all("tr")[1:]}
        for each in section.all("table")
    )
    assert facts["parameters"] == ["20", "104"]
    assert facts["gives"] == ["1×2×6×6", "1×4×4×4"]
    assert operators == {"Conv2d": ["1", "1"], "ReLU": ["1", "0"]}


def test_a_page_that_would_be_large_leaves_out_and_says_so(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = page(subject, 4)
    monkeypatch.setattr(pages, "MOST_BYTES", len(large.encode()) - 1)
    small = page(subject, 4)
    assert len(small.encode()) < len(large.encode())
    assert "--full shows all" in small
    assert page(subject, 4, full=True).count("<img") == large.count("<img")
    check_links(read(small))
