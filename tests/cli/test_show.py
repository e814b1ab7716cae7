"""`allconv show`: anybody's numbers, worked out."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

import numpy as np
import pytest

from allconv.cli.numbers import parse
from allconv.cli.show import KINDS, command
from allconv.cli.show_kinds import COMMANDS
from allconv.cli.window_options import PADDING_NAMES as SHOWN_PADDING_NAMES
from allconv.window import PADDING_NAMES

from .running import done

IMAGE = "1 -2 2 2 / 2 1 3 -2 / -2 3 -3 1 / -1 2 -4 2 // 3 0 0 0 / -2 -2 1 -1 / 2 -1 3 1 / 5 -2 0 1"
KERNEL = "1 -2 / -2 1 // 1 0 / 0 1 /// 3 1 / 2 2 // 0 0 / 0 4"


def shown(*arguments: str | Path) -> str:
    """What a command that succeeds prints."""
    result = done("show", *arguments)
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
    assert parse("1,2\n3,4\n", "x").tolist() == [[1, 2], [3, 4]]
    assert parse("1,5 2,5", "x").tolist() == [1, 5, 2, 5]  # blanks and commas are the same


def test_the_examples_of_help(tmp_path: Path) -> None:
    """Every example that help shows works."""
    np.save(tmp_path / "image.npy", np.ones((8, 8)))
    (tmp_path / "kernel.csv").write_text("1,2\n3,4\n")
    assert tuple(COMMANDS) == KINDS
    epilogs = [command.epilog, *(each.epilog for each in COMMANDS.values())]
    lines = [line for text in epilogs for line in (text or "").splitlines() if "show" in line]
    assert len(lines) >= 10
    for line in lines:
        shown(*shlex.split(line)[2:])


def test_padding_names() -> None:
    """The names that help lists are those of the library."""
    assert SHOWN_PADDING_NAMES == PADDING_NAMES
