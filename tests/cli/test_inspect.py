"""`allconv inspect` of files that are no square colour images: layouts, sizes, many layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import onnx
from onnx import parser

from .running import done, run

LAST = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, H, W, 3] x) => (float[N, 2, P, Q] y) <float[2, 3, 1, 1] w = {1, 2, 3, 4, 5, 6}> {
  t = Transpose <perm = [0, 3, 1, 2]> (x)
  y = Conv (t, w)
}"""
SOUND = """<ir_version: 8, opset_import: ["" : 17]>
g (float[4, T] x, float[4, 1] gain) => (float[4, T] y) { y = Mul (x, gain) }"""
TOKENS = """<ir_version: 8, opset_import: ["" : 17]>
g (int64[1, 3] i) => (float[1, 3, 2] y) <float[4, 2] table = {1, 2, 3, 4, 5, 6, 7, 8}> {
  rows = Gather (table, i)
  y = Relu (rows)
}"""
LONG = 70


def made(text: str, path: Path) -> Path:
    """The file of a model in ONNX's text."""
    onnx.save(parser.parse_model(text), path)
    return path


def long_text() -> str:
    """A chain of convolutions, each with an activation."""
    lines = [f"c{n} = Conv (v{n}, w)\n  v{n + 1} = Relu (c{n})" for n in range(LONG)]
    return "\n  ".join(
        [
            '<ir_version: 8, opset_import: ["" : 17]>',
            f"g (float[1, 1, 4, 4] v0) => (float[1, 1, 4, 4] v{LONG})",
            "<float[1, 1, 1, 1] w = {1}> {",
            *lines,
            "}",
        ]
    )


def shown(*arguments: object) -> list[list[str]]:
    """The cells of the table."""
    result = done("inspect", *arguments)
    table = result.out.split("\n\n")[0].splitlines()
    assert all(len(line) <= 130 for line in table)
    return [[cell for cell in line.split("  ") if cell] for line in table]


def test_channels_behind(tmp_path: Path) -> None:
    """A file whose last axis alone can be colours is asked for its size, not for channels."""
    path = made(LAST, tmp_path / "last.onnx")
    assert "give --size" in run("inspect", path).said[0]
    assert [row[2].strip() for row in shown(path, "--size", "5x7")[1:]] == [
        "3 x 5 x 7",
        "2 x 5 x 7",
    ]


def test_other_arrays(tmp_path: Path) -> None:
    """Shapes of any inputs, in order; a fixed batch is what it is."""
    path = made(SOUND, tmp_path / "sound.onnx")
    refused = run("inspect", path).said[0]
    assert "takes x (4, any), gain (4, 1); give --shape for each" in refused
    assert shown(path, "--shape", "4x50", "--shape", "4x1")[1][2].strip() == "50"
    assert "give --shape as often" in run("inspect", path, "--shape", "4x50").said[0]
    assert "leave --size" in run("inspect", path, "--shape", "4x50", "--size", "9").said[0]
    assert "expected" in run("inspect", path, "--shape", "4x-1").said[0]
    assert "does not take" in run("inspect", path, *("--shape", "4x50", "--shape", "3x1")).said[0]
    assert "--shape is for a file" in run("inspect", "convnet", "--shape", "1x1x28x28").said[0]


def test_integers(tmp_path: Path) -> None:
    """Numbers that say what is computed are taken as 1."""
    table = shown(made(TOKENS, tmp_path / "tokens.onnx"))
    assert table[1][2].strip() == "3 x 2"
    assert table[1][3].strip() == "8"


def test_many_layers_are_folded(tmp_path: Path) -> None:
    """Neighbours share a row, unless all are asked for."""
    path = made(long_text(), tmp_path / "long.onnx")
    assert len(shown(path)) == 61  # the head and 60 rows
    table = shown(path, "--all")
    assert len(table) == 2 * LONG + 1
    assert table[1][0] == "c0 (Conv)"


def test_hostile_names(tmp_path: Path) -> None:
    """Control characters are escaped and long names are cut."""
    model = parser.parse_model(SOUND.replace("T", "3"))
    model.graph.node[0].name = "\x1b[2Jname\n" + "long" * 500
    onnx.save(model, tmp_path / "model.onnx")
    (head, row) = shown(tmp_path / "model.onnx")
    assert head[0] == "layer"
    assert row[0].startswith("\\x1b[2J")
    assert len(row[0]) < 50


@pytest.mark.parametrize("count", [1, 2])
def test_the_same_parameters(count: int, tmp_path: Path) -> None:
    """A weight that several layers share counts once."""
    text = LAST.replace("y = Conv (t, w)", "u = Conv (t, w)\n  z = Conv (t, w)\n  y = Add (u, z)")
    path = made(text if count == 2 else LAST, tmp_path / "model.onnx")
    table = shown(path, "--size", "4")
    assert sum(int(row[3]) for row in table[1:]) == np.prod((2, 3))
