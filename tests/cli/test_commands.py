"""The commands that look at things, and what all commands share."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.analysis.counts import count_lecture_layers
from allconv.cli import settings
from allconv.cli.group import COMMANDS
from allconv.data import PIXEL_LIMIT
from allconv.train.compare import compare_networks, shifted
from allconv.version import __version__

from .running import ESCAPE, done, run


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_examples(command: str) -> None:
    """What it does in a sentence, its options, examples that begin with its name."""
    result = run(command, "--help")
    assert (result.status, result.err) == (0, "")
    assert f"Usage: allconv {command}" in result.out
    examples = result.out.split("Examples:")[1].split("\n")
    assert any(line.strip().startswith(f"allconv {command}") for line in examples)
    summary = next(line for line in run("--help").out.splitlines() if line[2:].startswith(command))
    assert summary.endswith(".")
    assert "..." not in summary


def test_help_and_version() -> None:
    """The group lists its commands; without a command that is what is shown, with status 2."""
    result = done("--help")
    assert all(f"\n  {name} " in result.out for name in COMMANDS)
    bare = run()
    assert (bare.status, bare.err.strip()) == (2, result.out.strip())
    assert f"allconv {__version__}" in run("--version").out


def test_help_loads_nothing_heavy() -> None:
    """Neither NumPy nor LLVM, onnx, Pillow or rich are loaded to show what commands there are."""
    code = (
        "import sys; from allconv.cli.failures import run; from allconv.cli.group import allconv; "
        "run(allconv, ['--help']); "
        "print(sorted({'numpy', 'llvmlite', 'onnx', 'PIL', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_fault_of_ours_is_told_without_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that asks for a report; ALLCONV_DEBUG=1 lets the exception through."""

    def broken() -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("allconv.engine.cache.info", broken)
    result = run("cache")
    assert result.status == 1
    (said,) = result.said
    assert said.startswith("allconv cache: KeyError: 'surprise'; this is a fault of allconv")
    monkeypatch.setenv("ALLCONV_DEBUG", "1")
    from allconv.cli import main

    with pytest.raises(KeyError):
        main(["cache"])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "there is not enough memory"),
        (OSError(28, "No space left on device", "x.bin"), "x.bin: no space left on device"),
        (KeyboardInterrupt(), "stopped"),
    ],
)
def test_what_the_system_refuses(
    error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of the system are sentences, too."""

    def broken() -> None:
        raise error

    monkeypatch.setattr("allconv.engine.cache.info", broken)
    result = run("cache")
    assert result.status == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert result.said[0].startswith(f"allconv cache: {said}")


def test_the_limit_of_pixels_is_that_of_the_data() -> None:
    """The default that help shows without loading the data room."""
    assert settings.PIXEL_LIMIT == PIXEL_LIMIT


def test_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder with its entries; --clear empties it; it can be switched off."""
    from allconv.engine import cache, target
    from allconv.engine.kernels.copy import Copy

    monkeypatch.setenv("ALLCONV_CACHE", str(tmp_path / "kernels"))
    monkeypatch.setattr(cache, "_loaded", {})
    cache.load(Copy(target.host(), "float32"))
    assert run("cache").out.startswith(f"{tmp_path / 'kernels'}: 1 entry, ")
    cleared = run("cache", "--clear").out.splitlines()
    assert cleared == ["removed 1 entry", f"{tmp_path / 'kernels'}: 0 entries, 0.0 MB"]
    monkeypatch.setenv("ALLCONV_CACHE", "off")
    assert run("cache").out == "not kept on disk\n"


def test_info(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions, processor, targets, threads, folder."""
    from importlib.metadata import version

    monkeypatch.setenv("ALLCONV_CACHE", "off")
    told = dict(line.split("  ", 1) for line in run("info").out.splitlines())
    told = {name: value.strip() for name, value in told.items()}
    assert told["allconv"] == __version__
    assert told["numpy"] == version("numpy")
    assert told["threads"].split(" ")[0] == str(ac.get_threads())
    assert told["compiled code"] == "not kept on disk"


def rows(text: str) -> list[list[str]]:
    """The cells of a table, whose columns are two spaces or more apart."""
    import re

    lines = text.split("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_inspect_a_network_by_name() -> None:
    """A row a layer with shapes, parameters, multiply-adds, receptive field and stride by hand."""
    result = done("inspect", "convnet", "--size", "12x16", "--channels", "3", "--classes", "5")
    table = {row[0]: row[1:] for row in rows(result.out)}
    assert table["layer"] == [
        "kernel", "output", "parameters", "multiply-adds", "memory", "sees", "stride",
    ]  # fmt: skip
    first, pooled, last = table["0 (Conv2d)"], table["6 (MaxPool2d)"], table["17 (Linear)"]
    assert first[0].startswith("Direct")
    assert first[1:] == [
        "32 x 12 x 16", "896", f"{32 * 12 * 16 * 27:,}", "24.0 KiB", "3 x 3", "1 x 1",
    ]  # fmt: skip
    assert pooled[1:] == ["32 x 6 x 8", "0", "0", "6.0 KiB", "6 x 6", "2 x 2"]
    assert last[1:3] == ["5", f"{64 * 3 * 4 * 5 + 5:,}"]
    assert table["2 (ReLU)"][0] == "fused"
    assert table["7 (Dropout)"][0] == "-"
    assert "in one native call" in result.out


def test_inspect_a_network_for_photographs_by_name() -> None:
    result = done("inspect", "mobilenet-v2")
    assert "306,185,184 multiply-adds for one image" in result.out


def test_inspect_a_file(finished: Path) -> None:
    """Layers of an ONNX file; the preprocessing is a part of it."""
    result = done("inspect", finished / "run" / "model.onnx")
    table = rows(result.out)
    parameters = [int(row[3].replace(",", "")) for row in table[1:]]
    assert sum(parameters) == (8 * 8 * 3 + 1) * 256 + 257 * 2
    assert any(row[0].startswith("preprocess") for row in table)
    assert f"{sum(parameters):,} parameters" in result.out


def test_inspect_asks_for_what_a_file_leaves_open(tmp_path: Path) -> None:
    """Open sizes are asked for, and fixed ones cannot be changed."""
    from onnx import load, save

    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    ac.onnx.save(net, tmp_path / "model.onnx", (None, 3, 9, 9))
    assert run("inspect", "model.onnx", "--size", "12").status == 2
    proto = load(tmp_path / "model.onnx")
    for axis in (2, 3):
        proto.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"size{axis}"
    del proto.graph.value_info[:]
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    save(proto, tmp_path / "open.onnx")
    refused = run("inspect", "open.onnx")
    assert (refused.status, "give --size" in refused.said[0]) == (2, True)
    result = done("inspect", "open.onnx", "--size", "12x20")
    assert rows(result.out)[1][2] == "4 x 10 x 18"


@pytest.mark.slow
def test_compare(tmp_path: Path) -> None:
    """A row a network, then the lecture's count."""
    result = done(
        "compare", "--samples", "60", "--epochs", "1", "--model", "plain", "--model", "local"
    )
    lines = result.out.splitlines()
    table = [line.split() for line in lines if line.startswith(("plain  ", "local  "))]
    last = [row for row in table if "epoch" not in row]
    assert [row[:3] for row in last] == [
        ["plain", "203,530", "203,264"], ["local", "116,330", "113,040"],
    ]  # fmt: skip
    assert "fully connected                                1,600,000,000  40,000" in result.out
    assert not ESCAPE.search(result.out)


def test_the_lectures_count() -> None:
    """200 x 200 pixels to 40,000 units: 1.6 thousand million weights, 4 million, 100."""
    counts = [(each.weights, each.biases) for each in count_lecture_layers(200, 10, 100)]
    units = 200 * 200
    assert counts == [
        (units * units, units), (units * 10 * 10, units), (10 * 10, 1), (100 * 10 * 10, 100),
    ]  # fmt: skip


def test_shifted_images() -> None:
    """Left, right, up and down by so many pixels; the border is repeated."""
    from allconv.data import Part

    images = np.arange(25, dtype=np.uint8).reshape(1, 5, 5, 1)
    part = Part(images, np.array([0]))
    left, right, up, down = (each.images[0, :, :, 0] for each in shifted(part, 2))
    plain = images[0, :, :, 0]
    assert np.array_equal(left, plain[:, [2, 3, 4, 4, 4]])
    assert np.array_equal(right, plain[:, [0, 0, 0, 1, 2]])
    assert np.array_equal(up, plain[[2, 3, 4, 4, 4]])
    assert np.array_equal(down, plain[[0, 0, 0, 1, 2]])


def test_networks_are_compared_on_a_test_part() -> None:
    """Without one, what is expected is said."""
    from allconv.data import load

    data = load((np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2))
    with pytest.raises(ac.errors.ArgumentError, match="has no test part"):
        compare_networks(data, epochs=1)


def test_options_of_a_run_are_json_that_people_can_read(trained: Path) -> None:
    """Numbers are numbers, what was not given is null."""
    options = json.loads((trained / "options.json").read_text())
    assert (options["epochs"], options["lr"], options["augment"]) == (1, None, True)
