"""`allconv show`: anybody's numbers, worked out; what is typed wrongly, in a sentence."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

import numpy as np
import pytest

from allconv.cli.numbers import parse
from allconv.cli.show import command
from allconv.cli.steps import PADDING_NAMES as SHOWN_PADDING_NAMES
from allconv.window import PADDING_NAMES

from .running import run

IMAGE = "1 -2 2 2 / 2 1 3 -2 / -2 3 -3 1 / -1 2 -4 2 // 3 0 0 0 / -2 -2 1 -1 / 2 -1 3 1 / 5 -2 0 1"
KERNEL = "1 -2 / -2 1 // 1 0 / 0 1 /// 3 1 / 2 2 // 0 0 / 0 4"


def shown(*arguments: str | Path) -> str:
    """What a command that succeeds prints."""
    result = run("show", *arguments)
    assert result.status == 0, result.err
    assert result.err == ""
    return result.out


def array_of(text: str, name: str) -> list[list[str]]:
    """The rows of the array that is printed under a name."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"{name} = ") and "*" not in line:
            return [line.split()[2:]]
        if line == f"{name} =":
            rows = []
            for row in lines:
                if row and not row.startswith(" "):
                    break
                rows.append(row.split())
            return [row for row in rows if row]
    raise AssertionError(f"no array {name} in {text}")


def test_the_lecture_in_one_dimension() -> None:
    """Correlation gives 14 20, true convolution 10 16, with every product."""
    text = shown("conv", "--input", "1 2 3 4", "--kernel", "1 2 3")
    assert text.splitlines()[2:10] == [
        "y[0] = x[0]*w[0] + x[1]*w[1] + x[2]*w[2]",
        "     = 1*1       + 2*2       + 3*3",
        "     = 1         + 4         + 9",
        "     = 14",
        "y[1] = x[1]*w[0] + x[2]*w[1] + x[3]*w[2]",
        "     = 2*1       + 3*2       + 4*3",
        "     = 2         + 6         + 12",
        "     = 20",
    ]
    turned = shown("conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "--flip")
    assert array_of(turned, "y") == [["10", "16"]]
    assert "y[0] = x[0]*w[2] + x[1]*w[1] + x[2]*w[0]" in turned


@pytest.mark.parametrize(("stride", "wanted"), [("1", "8 14 20 11"), ("2", "8 20")])
def test_half_padding(stride: str, wanted: str) -> None:
    """One zero each side: 8 14 20 11, with stride 2: 8 20."""
    text = shown(
        "conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "--padding", "half", "--stride", stride
    )
    assert array_of(text, "y") == [wanted.split()]


def test_the_lecture_in_two_dimensions() -> None:
    """The 2 x 4 x 4 example cell by cell: its first cell is +3.1, where the slide has -3.1."""
    text = shown("conv", "--input", IMAGE, "--kernel", KERNEL, "--bias", "0.1 0.2")
    rows = (
        "3.1 -3.9 -10.9 / 4.1 -12.9 16.1 / -3.9 0.1 9.1 / "
        "-0.8 8.2 6.2 / 5.2 18.2 7.2 / -8.8 2.2 -7.8"
    )
    assert array_of(text, "y") == [row.split() for row in rows.split(" / ")]
    first = shown(
        "conv", "--input", IMAGE, "--kernel", KERNEL, "--bias", "0.1 0.2", "--cell", "0,0,0"
    )
    assert first.splitlines()[0] == "y[0,0,0] = 3.1, the sum of 8 terms and the bias"
    assert [line.split() for line in first.splitlines()[1:]] == [
        ["x[0,0,0]*w[0,0,0,0]", "1*1", "1"],
        ["x[0,0,1]*w[0,0,0,1]", "(-2)*(-2)", "4"],
        ["x[0,1,0]*w[0,0,1,0]", "2*(-2)", "-4"],
        ["x[0,1,1]*w[0,0,1,1]", "1*1", "1"],
        ["x[1,0,0]*w[0,1,0,0]", "3*1", "3"],
        ["x[1,0,1]*w[0,1,0,1]", "0*0", "0"],
        ["x[1,1,0]*w[0,1,1,0]", "(-2)*0", "0"],
        ["x[1,1,1]*w[0,1,1,1]", "(-2)*1", "-2"],
        ["b[0]", "0.1", "0.1"],
    ]


def test_the_gradient_of_the_weights() -> None:
    """The lecture's weight gradient, digit by digit."""
    text = shown(
        "conv",
        "--input", ".20350695 -.31481498 -.85656077 .5981919",
        "--kernel", "0 0 0",
        "--backward=-.47567356 -2.3547919",
    )  # fmt: skip
    values = [float(value) for value in array_of(text, "gw")[0]]
    assert values == pytest.approx([0.6445209, 2.1667714, -1.0011742], abs=1.5e-7)


def test_the_transposed_convolution_of_the_lecture() -> None:
    """3 x 3, stride 2: the corners and the middle of the 5 x 5 result."""
    text = shown(
        "conv_transpose",
        "--input", "25.535583 28.583742 / 23.470192 20.622599",
        "--kernel", ".13429713 1.9649408 .74939513 / .6982393 1.2397809 1.4247327 / "
        "1.5534406 .1190145 1.3256309",
        "--stride", "2",
    )  # fmt: skip
    rows = [[float(value) for value in row] for row in array_of(text, "y")]
    assert [len(row) for row in rows] == [5] * 5
    assert (rows[0][0], rows[0][4], rows[2][2], rows[4][0], rows[4][4]) == pytest.approx(
        (3.4293556, 21.420517, 98.61191, 36.45955, 27.337954), rel=1e-6
    )


def test_max_pooling_of_the_lecture() -> None:
    """2 x 2 with stride 2, and the gradient of ones."""
    text = shown(
        "max_pool",
        "--input",
        ".58009243 1.1895669 2.6777048 .15597591 / -.94100916 -.7437242 -1.0578039 -.30651447 / "
        ".53753567 .10521288 -.43827865 -.7727399 / -.42974523 -1.669584 -.92768306 -.19861951",
        "--kernel-size", "2", "--backward", "1 1 / 1 1",
    )  # fmt: skip
    assert array_of(text, "y") == [["1.1895669", "2.6777048"], ["0.53753567", "-0.19861951"]]
    assert array_of(text, "gx") == [list("0110"), list("0000"), list("1000"), list("0001")]
    assert "= 1.1895669, from x[0,1]" in text


def test_average_pooling_and_linear_and_local() -> None:
    """The other layers, with biases and gradients."""
    text = shown("avg_pool", "--input", "1 5 2 3", "--kernel-size", "2", "--backward", "1")
    assert array_of(text, "y") == [["3", "2.5"]]
    assert array_of(text, "gx") == [["0.5"] * 4]
    text = shown("linear", "--input", "1 2 3", "--kernel", "1 0 1 / 2 2 2", "--bias", "0.5 0.25")
    assert array_of(text, "y") == [["4.5", "12.25"]]
    kernels = "1 0 / 0 1 / 1 1"
    text = shown("local", "--input", "1 2 3 4", "--kernel", kernels, "--backward", "1 10 100")
    assert array_of(text, "y") == [["1", "3", "7"]]
    assert array_of(text, "gw") == [["1", "2"], ["20", "30"], ["300", "400"]]
    assert "y[1] = x[1]*w[1,0] + x[2]*w[1,1]" in text


def test_one_kernel_everywhere_is_the_convolution() -> None:
    """A locally connected layer with equal weights everywhere."""
    arguments = ("--input", "1 2 3 4", "--kernel", "1 2 3", "--padding", "half")
    assert array_of(shown("local", *arguments), "y") == array_of(shown("conv", *arguments), "y")


def test_cells_that_are_chosen() -> None:
    """Single cells and slices, of the result and of gradients."""
    text = shown(
        "conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "--backward", "1 10",
        "--cell", "gx[-1]", "--cell", "0:1",
    )  # fmt: skip
    assert text.split("\n\n")[0] == "gx[3] = w[2]*gy[1]\n      = 3*10\n      = 30"
    assert "y[0] = " in text
    assert "y[1] = " not in text


def test_large_arrays_are_abridged(tmp_path: Path) -> None:
    """A large file shows some cells, and says how to choose one."""
    np.save(tmp_path / "x.npy", np.ones((40, 50), np.float32))
    text = shown("conv", "--input", tmp_path / "x.npy", "--kernel", "1 2 / 3 4")
    assert '... 1,905 more cells; --cell "y[38,48]" shows one' in text
    text = shown("conv", "--input", tmp_path / "x.npy", "--kernel", "1 2 / 3 4", "--cell", "38,48")
    assert text.splitlines()[-1].split() == ["=", "10"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", "1,2,3\n4,5,6\n"),
        ("x.txt", "\ufeff1 2 3;\n4 5 6"),
        ("x.dat", "1 2 3\r\n4 5 6\r\n"),
        ("x.csv", "# a, b; c\n1,2,3,\n# more\n4,5,6  # the last\n"),
    ],
    ids=["csv", "text", "lines", "comments"],
)
def test_files_of_text(tmp_path: Path, name: str, content: str) -> None:
    """A row a line, whatever separates the numbers."""
    (tmp_path / name).write_text(content, "utf-8")
    assert array_of(shown("max_pool", "--input", name, "--kernel-size", "2,3"), "y") == [["6"]]


def test_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads numbers that another command writes, as from a file."""
    monkeypatch.setattr("sys.stdin", io.StringIO("# made\n1 2 3 4\n"))
    assert array_of(shown("conv", "--input", "-", "--kernel", "1 2 3"), "y") == [["14", "20"]]


def test_the_matrix() -> None:
    """The matrix with letters and with numbers, and of true convolution by its own names."""
    text = shown("conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "--matrix")
    assert "[w[0]  w[1]  w[2]     0]\n[   0  w[0]  w[1]  w[2]]" in text
    assert "[1  2  3  0]\n[0  1  2  3]" in text
    turned = shown("conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "--flip", "--matrix")
    assert "[w[2]  w[1]  w[0]     0]\n[   0  w[2]  w[1]  w[0]]" in turned


def test_the_matrix_of_a_maximum() -> None:
    """It is that of the derivative: a 1 where the largest stands, the first of equals."""
    text = shown("max_pool", "--input", "1 5 2 2", "--kernel-size", "2", "--matrix")
    assert "max pooling is not linear; its derivative at this input is the matrix\n2 x 4" in text
    assert text.endswith("[0  1  0  0]\n[0  0  1  0]\n")


def test_the_sizes() -> None:
    """The arithmetic of the sizes, with what ceil_mode adds."""
    text = shown(
        "conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "--padding", "half", "--stride", "2",
        "--sizes",
    )  # fmt: skip
    assert "4 -> 2   (kernel 3, stride 2, padding 1, 1)" in text
    text = shown("max_pool", "--input", "1 2 3", "--kernel-size", "2", "--ceil-mode", "--sizes")
    assert "ceil_mode adds 1: 3 -> 2" in text
    assert "paddings that keep" not in text
    for mode in ("reflect", "circular", "replicate"):
        text = shown(
            "conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "--padding", "half",
            "--padding-mode", mode, "--sizes",
        )  # fmt: skip
        assert "4 -> 4   (kernel 3, padding 1, 1)\n    inputs that give 4: 4" in text


def test_pooling_slides_over_as_many_axes_as_its_sizes() -> None:
    """Two sizes are those of a picture: what stands before it are channels."""
    planes = "1 2 / 3 4 // 5 6 / 7 8"
    text = shown("max_pool", "--input", planes, "--kernel-size", "2,2")
    assert array_of(text, "y") == [["4"], ["8"]]
    text = shown("max_pool", "--input", planes, "--kernel-size", "2")
    assert array_of(text, "y") == [["8"]]


def test_parsing() -> None:
    """Separators give the axes."""
    assert parse("1", "x").shape == (1,)
    assert parse("1; 2; 3", "x").shape == (3, 1)
    assert parse("1 2 // 3 4", "x").shape == (2, 1, 2)
    assert parse(IMAGE, "x").shape == (2, 4, 4)
    assert parse(KERNEL, "x").shape == (2, 2, 2, 2)
    assert parse("1 2\n3 4\n\n5 6\n7 8\n", "x").tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert parse("1e3,-.5, nan", "x").shape == (3,)


def test_the_examples_of_help(tmp_path: Path) -> None:
    """Every example that help shows works."""
    np.save(tmp_path / "image.npy", np.ones((8, 8)))
    (tmp_path / "kernel.csv").write_text("1,2\n3,4\n")
    epilogs = [command.epilog, *(each.epilog for each in command.commands.values())]
    lines = [line for text in epilogs for line in (text or "").splitlines() if "show" in line]
    assert len(lines) >= 10
    for line in lines:
        shown(*shlex.split(line)[2:])


def test_padding_names() -> None:
    """The names that help lists are those of the library."""
    assert SHOWN_PADDING_NAMES == PADDING_NAMES


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
    "a word": (("conv", "--input", "1 two 3", *W), "'two' is no number, and no file has that name"),
    "no file": (("conv", "--input", "photo.npy", *W), "'photo.npy', and there is no such file"),
    "nothing": (("conv", "--input", "", *W), "--input holds no numbers"),
    "separators only": (("conv", "--input", "//", *W), "--input holds no numbers"),
    "no input": (("conv", *W), "missing option '--input'"),
    "no layer": (("convolve", *X), "no such command 'convolve'"),
    "a word in a file": (
        ("conv", "--input", "words.txt", *W), "words.txt: line 2: 'four' is no number"
    ),
    "decimal commas": (
        ("conv", "--input", "commas.csv", *W), 'commas.csv: line 1 has ";" in it; write numbers'
    ),
    "a line of names": (
        ("conv", "--input", "names.csv", *W),
        "names.csv: line 1: 'a' is no number; leave out a line of names",
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
    "a folder": (("conv", "--input", ".", *W), "'.', which is a folder; name a file in it"),
    "a pool's padding by name": (
        ("max_pool", *X, "--kernel-size", "2", "--padding", "same"), "--padding is same; a whole"
    ),
    "a file of bytes": (("conv", "--input", "bytes.csv", *W), "is no text; .npy, .csv or text"),
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
    "too few axes": (("conv", *X, *W, "--axes", "2"), "--input has 1 axis; 2 to 4 are wanted"),
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
    "two biases": (("conv", *X, *W, "--bias", "1 2"), "bias is (2,); (1,) is wanted"),
    "a gradient too long": (
        ("conv", *X, *W, "--backward", "1 2 3"), "--backward is (3,); the output is (2,)",
    ),
    "a cell outside": (("conv", *X, *W, "--cell", "7"), "y[7] is outside y, which is (2,)"),
    "a cell in words": (("conv", *X, *W, "--cell", "first"), "--cell is 'first'; an index as in"),
    "a gradient's cell": (("conv", *X, *W, "--cell", "gx[0]"), "is wanted, of y"),
    "kernels of other cells": (
        ("local", *X, "--kernel", "1 2 / 3 4"), "kernels for (2,) cells; the output has (3,)",
    ),
    "a kernel of no layer": (
        ("local", *X, "--kernel", "1 // 1"), "--kernel has 3 axes; over 1 a locally connected",
    ),
    "a bias of two cells": (
        ("local", *X, *W, "--bias", "1 2 3"), "--bias has 3 numbers; 1 is wanted, or 2: one a cell",
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
    "lengths of a linear layer": (("linear", *X, *W), "x is (1, 4); --kernel is (1, 3)"),
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
