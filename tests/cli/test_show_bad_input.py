"""`allconv show`: what is typed wrongly, in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .running import run

IMAGE = "1 2 / 3 4 // 5 6 / 7 8"


def _object_file(path: Path) -> None:
    np.save(path, np.array([{}], object), allow_pickle=True)


FILES = {
    "words.txt": lambda path: path.write_text("1 2\n3 four"),
    "commas.csv": lambda path: path.write_text("1,5;2,5\n3,5;4,5\n"),
    "names.csv": lambda path: path.write_text("a,b\n1,2\n"),
    "gap.csv": lambda path: path.write_text("1,2,3\n4,,6\n"),
    "bytes.csv": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "objects.npy": _object_file,
    "cut.npy": lambda path: path.write_bytes(
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
        + b"\n"
    ),
    "empty.txt": lambda path: path.write_text(" \n"),
    "complex.npy": lambda path: np.save(path, np.ones(3, complex)),
}

X = ("--input", "1 2 3 4")
W = ("--kernel", "1 2 3")
REFUSED = {
    "ragged rows": (("conv", "--input", "1 2 / 3", *W), "row 2 has 1 number, row 1 has 2"),
    "ragged planes": (
        ("conv", "--input", "1 / 2 // 3", "--kernel", "1"), "its parts have 1 and 2 rows",
    ),
    "a word": (("conv", "--input", "1 two 3", *W), "'two' is not a number, and no file has"),
    "no file": (("conv", "--input", "photo.npy", *W), "'photo.npy', and there is no such file"),
    "nothing": (("conv", "--input", "", *W), "--input holds no numbers"),
    "separators only": (("conv", "--input", "//", *W), "--input holds no numbers"),
    "no input": (("conv", *W), "missing option '--input'"),
    "no layer": (("convolve", *X), "no such command 'convolve'"),
    "a word in a file": (
        ("conv", "--input", "words.txt", *W), "words.txt: line 2: 'four' is not a number"
    ),
    "decimal commas": (
        ("conv", "--input", "commas.csv", *W), 'commas.csv: line 1 has ";" in it; write numbers'
    ),
    "a line of names": (
        ("conv", "--input", "names.csv", *W),
        "names.csv: line 1: 'a' is not a number; leave out a line of names",
    ),
    "an empty cell": (("conv", "--input", "1,,3", *W), "a number is missing before a comma"),
    "an empty cell in a file": (
        ("conv", "--input", "gap.csv", *W), "gap.csv: a number is missing before a comma"
    ),
    "more than a float64": (
        ("conv", "--input", "1 1e400 2", *W), "'1e400' is more than a float64 holds (inf)"
    ),
    "a file that is not there": (
        ("conv", "--input", "pictures/x.csv", *W), "'pictures/x.csv', and there is no such file"
    ),
    "a folder": (("conv", "--input", ".", *W), "--input: . is a folder, not a .npy"),
    "a pool's padding by name": (
        ("max_pool", *X, "--kernel-size", "2", "--padding", "same"), "--padding is same; a whole"
    ),
    "a file of bytes": (("conv", "--input", "bytes.csv", *W), "an image (.png, .jpg): it is"),
    "a file of objects": (("conv", "--input", "objects.npy", *W), "holds object, not real"),
    "a file of complex": (("conv", "--input", "complex.npy", *W), "holds complex128, not real"),
    "a file that is cut": (("conv", "--input", "cut.npy", *W), "it holds 0 bytes of numbers"),
    "an empty file": (("conv", "--input", "empty.txt", *W), "holds no numbers"),
    "a kernel too large": (
        ("conv", "--input", "1 2", *W), "the kernel of 3 does not fit the padded input of 2",
    ),
    "other axes": (
        ("conv", *X, "--kernel", "1 2 // 3 4"), "--input has 1 axis and --kernel 3 axes",
    ),
    "too few axes": (("conv", *X, *W, "--axes", "2"), "--input has 1 axis; 2 to 4 are expected"),
    "other channels": (
        ("conv", "--input", IMAGE, "--kernel", "1 1 // 1 1 // 1 1 /// 1 1 // 1 1 // 1 1"),
        "with 2 channels; --kernel is (2, 3, 1, 2)",
    ),
    "stride 0": (("conv", *X, *W, "--stride", "0"), "stride is 0; it must be at least 1"),
    "strides of two axes": (("conv", *X, *W, "--stride", "1,2"), "one number, or 1 of them"),
    "a stride in words": (("conv", *X, *W, "--stride", "two"), "--stride is two; a whole number"),
    "dilation too large": (("conv", *X, *W, "--dilation", "2"), "it reaches over 5"),
    "an unknown padding": (("conv", *X, *W, "--padding", "halv"), "one of valid, half, same"),
    "half of an even kernel": (
        ("conv", *X, "--kernel", "1 2", "--padding", "half"), '"half" needs an even dilation',
    ),
    "groups": (("conv", *X, *W, "--groups", "2"), "groups=2 does not divide"),
    "two biases": (("conv", *X, *W, "--bias", "1 2"), "bias is (2,); (1,) is expected"),
    "a gradient too long": (
        ("conv", *X, *W, "--backward", "1 2 3"), "--backward is (3,); the output is (2,)",
    ),
    "a cell outside": (("conv", *X, *W, "--cell", "7"), "y[7] is outside y, which is (2,)"),
    "a cell in words": (("conv", *X, *W, "--cell", "first"), "is 'first'; an index of y"),
    "a gradient's cell": (("conv", *X, *W, "--cell", "gx[0]"), "an index of y is expected"),
    "kernels of other cells": (
        ("local", *X, "--kernel", "1 2 / 3 4"), "kernels for (2,) cells; the output has (3,)",
    ),
    "a kernel of no layer": (
        ("local", *X, "--kernel", "1 // 1"), "--kernel has 3 axes; over 1 a locally connected",
    ),
    "a bias of two cells": (
        ("local", *X, *W, "--bias", "1 2 3"),
        "--bias has 3 numbers; 1 is expected, or 2: one a cell",
    ),
    "too many paddings": (
        ("avg_pool", *X, "--kernel-size", "2", "--stride", "70000", "--sizes"), "has too many",
    ),
    "an output beyond measure": (
        ("conv_transpose", "--input", "1 2 / 3 4", "--kernel", "1 / 2", "--stride", "9999"),
        "cells is on the way; the working is for at most 16,777,216: pass a part",
    ),
    "kernels beyond measure": (
        ("local", *X, *W, "--padding", "9999999"), "a kernel for each of 20,000,000 cells is too",
    ),
    "planes of a linear layer": (
        ("linear", "--input", "1 // 2", "--kernel", "1"), "--input has 3 axes; a linear layer",
    ),
    "lengths of a linear layer": (("linear", *X, *W), "for --kernel (1, 3) its last axis"),
    "axes of a linear layer": (
        ("linear", *X, "--axes", "1", "--kernel", "1"), "no such option '--axes'"
    ),
    "padding above half": (
        ("max_pool", *X, "--kernel-size", "2", "--padding", "2"), "at most half of kernel_size 2",
    ),
    "an option of another layer": (
        ("max_pool", *X, "--kernel-size", "2", "--flip"), "no such option",
    ),
    "output padding": (
        ("conv_transpose", *X, *W, "--output-padding", "1"), "output_padding is 1; it must be",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input(name: str, tmp_path: Path) -> None:
    """One sentence on stderr, nothing on stdout, exit status 2."""
    arguments, says = REFUSED[name]
    for file in set(FILES).intersection(arguments):
        FILES[file](tmp_path / file)
    result = run("show", *arguments)
    assert result.status == 2
    assert says in result.err
    assert len(result.err.splitlines()) == 1
    assert result.out == ""
