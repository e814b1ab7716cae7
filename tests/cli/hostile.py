"""Commands with arguments that nobody means: drawn by rule, from a seed.

A command is one that works on small files, with one to three of its arguments replaced, or options
added, by hostile ones: texts that are no numbers, numbers no machine holds, names with codes of the
terminal in them, and files that are pipes, devices, loops, endless or of another kind.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from data import making

T = TypeVar("T")

DIGITS = "9" * 5000
NUMBERS = (
    "0", "-1", "-0", "1e999", "-inf", "nan", "1e-400", DIGITS, f"-{DIGITS}", f"0.{DIGITS}", "0x10",
    "1_0", "١٢", "½", "1e3", "3.5", "1,2", "1x2", "1:2", "8x8x8", "1:2:3", ",", "x", ":", "true",
    "9223372036854775808", "4611686018427387904", "1000000000000000000000000",
)  # fmt: skip
TEXTS = (
    "", " ", "\n", "\t\r", "\0", "a\0b", "\x1b[2J\x1b]0;t\x07", "\u202e\u200b", "\udcff\udc80",
    "猫", "[red]x[/red]", ":cat:", "{0}%s%n", "=1+cmd", "'", '"', "\\", ";", "//", "///////////",
    "/", ".", "..", "../..", "-", "*", "[", "**/*", "~", "a" * 300, "a/" * 3000, "NaN nan / inf",
    "[" * 5000, "(" * 5000,
)  # fmt: skip
FILES = (
    "folder", "nothing", "pipe", "loop", "dangling", "endless", "null", "letter", "zeros.npy",
    "huge.npy", "deep.npy", "objects.npy", "deep.json", "sparse.onnx", "cut.onnx", "cut.npz",
    "sparse.npz", "dark\n\x1b[2J.png", "empty.png", "classes", "missing/file", "i.png/below",
    "model.onnx", "i.png", "data.npz", "run", "runs/pipe", "runs/folder", "runs/sparse",
    "runs/deep", "runs/list", "runs/null", "runs/wrong", "runs/checkpoint", "runs/device",
    "runs/cut",
)  # fmt: skip
NEAR = (
    "1", "2", "3", "7", "64", "4096", "1000000000", "2147483647", "2147483648", "1e-9", "0.5",
    "1e30", "1e308", "1,1", "2,1,1", "0:0", "1:0,0:1", "-1:-1", "100000:1", "4x5", "0,0,0",
    "1e308,1,1",
)  # fmt: skip
CELLS = (
    "1", "1 2 3", "1/2/3", "1 2 // 3 4", "1 // 2 /// 3 // 4", "1 ///////// 2", "nan", "inf -inf",
    "1e308 1e308 / 1e308 1e308", "5e-324", "0 0 / 0 0", "1 2 3 4 5 6 7 8 9", "1 2 / 3", "gx[0]",
    "y[0,0]", "gw[:,1]", ":", "-1,-1", f"{DIGITS[:30]}", "y[::0]",
)  # fmt: skip

QUICK = ("--model", "plain", "--epochs", "1", "--batch-size", "8", "--threads", "1")
ARRAYS = ("--input", "1 2 3 / 4 5 6", "--kernel", "1 2 / 3 4")
POOLED = ("--input", "1 2 3 / 4 5 6", "--kernel-size", "2")
IMAGES = ("--samples", "--seed", "--pixel-limit")
SHOWN = (
    "--backward", "--cell", "--stride", "--padding", "--axes", "--input", "--kernel-size",
    "--input-size", "--channels", "--leave", "-o",
)  # fmt: skip
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # what works, what can be added
    "train": (("data.npz", *QUICK), (
        *IMAGES, "--lr", "--optimizer", "--schedule", "--weight-decay", "--label-smoothing",
        "--clip", "--patience", "--out", "--resume", "--model", "--batch-size", "--threads",
    )),
    "train --resume": (("run",), ("--lr", "--patience", "--threads", "--seed", "--model")),
    "predict": (("model.onnx", "i.png"), (
        "--top", "--mean", "--std", "--size", "--pixel-limit", "--threads", "--json",
    )),
    "compare": (("data.npz", *QUICK), (*IMAGES, "--model", "--batch-size", "--threads", "-o")),
    "inspect": (("model.onnx",), ("--size", "--channels", "--classes")),
    "inspect plain": ((), ("--size", "--channels", "--classes")),
    "densify": (("model.onnx", "-o", "out.onnx"), ("--size", "-o")),
    "show conv": (ARRAYS, (
        *SHOWN, "--kernel", "--bias", "--dilation", "--input-dilation", "--padding-mode",
        "--groups", "--matrix", "--sizes",
    )),
    "show conv_transpose": (ARRAYS, (
        *SHOWN, "--kernel", "--bias", "--dilation", "--output-padding", "--output-size", "--groups",
        "--matrix", "--sizes",
    )),
    "show local": (ARRAYS, (*SHOWN, "--kernel", "--bias", "--dilation", "--groups", "--sizes")),
    "show linear": (ARRAYS, ("--input", "--kernel", "--bias", "--backward", "--cell", "--matrix")),
    "show max_pool": (POOLED, (*SHOWN, "--dilation", "--ceil-mode", "--matrix", "--sizes")),
    "show avg_pool": (POOLED, (*SHOWN, "--ceil-mode", "--matrix", "--sizes")),
    "lecture": ((), ("--show", "--list")),
    "cache": ((), ("--help",)),
    "info": ((), ("--help",)),
}  # fmt: skip
FLAGS = ("--json", "--matrix", "--sizes", "--ceil-mode", "--list", "--help")
ARRAY_OPTIONS = ("--input", "--kernel", "--bias", "--backward", "--cell")
PLACES = ("--out", "--resume", "-o")


def draw(rng: np.random.Generator) -> list[str]:
    """A command with its arguments."""
    name = _one(rng, list(COMMANDS))
    works, options = COMMANDS[name]
    arguments = list(works)
    for _ in range(_one(rng, (1, 1, 1, 2, 3))):
        places = [n for n, each in enumerate(arguments) if not each.startswith("-")]
        if name.startswith(("train", "compare")):  # a long training is right, and too long
            places = [n for n in places if n == 0 or arguments[n - 1] != "--epochs"]
        if places and rng.random() < 0.3:
            place = _one(rng, places)
            before = arguments[place - 1] if place else ""
            arguments[place] = _value(rng, before if before.startswith("-") else "")
        elif options and rng.random() < 0.95:
            option = _one(rng, options)
            arguments += [option] if option in FLAGS else [option, _value(rng, option)]
        else:
            arguments.insert(int(rng.integers(len(arguments) + 1)), _value(rng, ""))
    return [*name.split(), *arguments]


def _value(rng: np.random.Generator, option: str) -> str:
    """A value for an option ("": for an argument): mostly one of the kind that is expected."""
    if rng.random() < 0.3:
        return _one(rng, _one(rng, (NUMBERS, TEXTS, FILES)))
    if not option or option in PLACES:
        return _one(rng, FILES)
    return _one(rng, _one(rng, (CELLS, NEAR)) if option in ARRAY_OPTIONS else NEAR)


def _one(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]


def make_files(folder: Path, run: Path) -> None:
    """The files of `FILES` in a folder; `run` is a finished run on small images."""
    (folder / "folder").mkdir()
    (folder / "run").symlink_to(run)
    (folder / "model.onnx").symlink_to(run / "model.onnx")
    pixels = making.pattern(9, 9, seed=1)
    making.save(folder / "i.png", pixels)
    making.save(folder / "dark\n\x1b[2J.png", pixels)
    for name in ("=1+cmd", "[red]b[/red]\x1b[2J", os.fsdecode(b"\xff")):
        for n in range(4):
            making.save(folder / "classes" / name / f"{n}.png", pixels)
    save_arrays(folder / "data.npz")
    (folder / "empty.png").touch()
    (folder / "letter").write_text("Dear network,\n")
    (folder / "deep.json").write_text("[" * 100_000)
    np.save(folder / "zeros.npy", np.zeros((3, 0, 2)))
    np.save(folder / "objects.npy", np.array([{"a": 1}], object))
    _npy(folder / "huge.npy", "(4611686018427387904, 4611686018427387904)")
    _npy(folder / "deep.npy", "(" * 5000)
    for name in ("model.onnx", "data.npz"):
        whole = (folder / name).read_bytes()
        (folder / f"cut{Path(name).suffix}").write_bytes(whole[: len(whole) // 2])
    for name in ("sparse.onnx", "sparse.npz"):
        _sparse(folder / name)
    for name, target in (
        ("loop", "loop"), ("dangling", "nowhere"), ("endless", "/dev/zero"), ("null", "/dev/null"),
    ):  # fmt: skip
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe")
    make_runs(folder / "runs", run)


def save_arrays(path: Path) -> None:
    """Twenty small images of two classes."""
    x = np.stack([making.pattern(8, 8, seed=n)[..., 0] for n in range(20)])
    np.savez(path, x=x, y=np.arange(20) % 2)


def make_runs(folder: Path, run: Path) -> None:
    """Runs whose options or checkpoints are not what they should be."""
    folder.mkdir()
    for name in ("pipe", "folder", "sparse", "deep", "list", "null", "wrong", "device", "cut"):
        (folder / name).mkdir()
        (folder / name / "last.safetensors").symlink_to(run / "last.safetensors")
    os.mkfifo(folder / "pipe" / "options.json")
    (folder / "folder" / "options.json").mkdir()
    _sparse(folder / "sparse" / "options.json")
    (folder / "device" / "options.json").symlink_to("/dev/zero")
    whole = (run / "options.json").read_text()
    for name, text in (
        ("deep", "[" * 100_000),
        ("list", "[1, 2]"),
        ("null", whole.replace('"plain"', "null")),
        ("wrong", whole.replace('"plain"', '{"a": ' + DIGITS[:4000] + "}")),
        ("cut", whole[: len(whole) // 2]),
    ):
        (folder / name / "options.json").write_text(text)
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "options.json").write_text(whole)
    os.mkfifo(folder / "checkpoint" / "last.safetensors")


def _npy(path: Path, shape: str) -> None:
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)


def _sparse(path: Path) -> None:
    """A file of 8 GiB of zeros that takes no room."""
    with path.open("wb") as file:
        file.truncate(2**33)
