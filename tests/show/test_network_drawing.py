"""The drawing of a network: how layers fold into boxes, and where these lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import network_files as files
import pytest
from network_subjects import check_links, layers
from report_pages import read

from allconv.show.network import page as pages
from allconv.show.network.layer_groups import MOST_BOXES, LayerGroup, grouped
from allconv.show.network.layers import DrawnLayer, DrawnNetwork
from allconv.show.network.page import Subject, page
from allconv.show.network.placement import BOX, GAP, place
from allconv.show.network.read import network_of_file, read_messages


def names_of_3000(kind: str) -> list[str]:
    if kind == "nested":
        return [f"/layer{n // 500}/block{n // 20}/part{n // 4}/Relu{n}" for n in range(3000)]
    if kind == "torch":
        return [f"layer{n // 600}.{n // 15}.op{n % 15}" for n in range(3000)]
    if kind == "flat":
        return [f"Relu_{n}" for n in range(3000)]
    if kind == "mixed":
        return [("a/" if n % 2 else "b/") + str(n) for n in range(3000)]
    if kind == "deep":
        return ["/".join(["g"] * 40 + [str(n)]) for n in range(3000)]
    return [""] * 3000


def groups_of(group: LayerGroup) -> Iterator[LayerGroup]:
    """It and all groups in it."""
    yield group
    for member in group.members:
        if isinstance(member, LayerGroup):
            yield from groups_of(member)


@pytest.mark.parametrize("kind", ["nested", "torch", "flat", "mixed", "deep", "unnamed"])
def test_3000_layers_fold_into_drawings_of_some_boxes(kind: str) -> None:
    held = [DrawnLayer(n, name, "Relu") for n, name in enumerate(names_of_3000(kind))]
    root = grouped(held)
    assert [layer.number for layer in root.layers()] == list(range(3000))
    groups = list(groups_of(root))
    assert max(len(group.members) for group in groups) <= MOST_BOXES
    assert min(len(group.members) for group in groups) > 1
    assert len({group.key for group in groups}) == len(groups)


def test_groups_are_those_of_the_names() -> None:
    held = [DrawnLayer(n, name, "Relu") for n, name in enumerate(names_of_3000("torch"))]
    names = [each.name for each in grouped(held).members if isinstance(each, LayerGroup)]
    assert names == [f"layer{n}" for n in range(5)]


def test_a_page_of_3000_layers_is_small_and_complete(tmp_path: Path) -> None:
    path = files.chain(tmp_path / "long.onnx", names_of_3000("nested"))
    network = network_of_file(read_messages(path), "long.onnx", "")
    text = page(Subject(network))
    root = read(text)
    assert len(text.encode()) <= pages.MOST_BYTES
    assert len(layers(root)) == 3002
    check_links(root)


def test_layers_left_out_leave_no_link_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    held = tuple(DrawnLayer(n, name, "Relu") for n, name in enumerate(names_of_3000("nested")))
    monkeypatch.setattr(pages, "MOST_BYTES", 1_000_000)
    root = read(page(Subject(DrawnNetwork("long", held))))
    assert 0 < len(layers(root)) < 3000
    assert "layers inside of groups" in root.all("header")[0].text
    check_links(root)


def test_boxes_of_a_row_do_not_overlap() -> None:
    links = [(0, n) for n in range(1, 8)] + [(n, 8) for n in range(1, 8)] + [(0, 8), (8, 9)]
    placed = place(10, links)
    for one in range(10):
        for other in range(one):
            (x, row), (x2, row2) = placed.boxes[one], placed.boxes[other]
            assert row != row2 or abs(x - x2) >= BOX + GAP - 1e-6
    rows = [row for _, row in placed.boxes]
    assert all(rows[a] < rows[b] for a, b in links)
    assert all(x - BOX / 2 >= 0 and x + BOX / 2 <= placed.width + 1e-6 for x, _ in placed.boxes)


def test_a_line_that_passes_rows_goes_through_each() -> None:
    placed = place(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert [row for _, row in placed.lines[0, 3]] == [0, 1, 2, 3]
    assert placed.lines[0, 3][1][0] != placed.boxes[1][0]
