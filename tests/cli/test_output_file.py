"""Pages take no other file's place: they replace what allconv wrote, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from .running import done, run

CONV = ("show", "conv", "--input", "1 2 3 4", "--kernel", "1 2 3", "-o")
WRITERS = {
    "show": CONV,
    "explain": ("explain", "plain", "-o"),
    "lecture": ("lecture", "-o"),
    "worksheet": ("lecture", "--worksheet"),
}
MARKED = b'notes <meta name="generator" content="allconv 0.1.0">'


def refusal(*arguments: str) -> str:
    result = run(*arguments)
    assert result.status in (1, 2)
    assert len(result.said) == 1, result.err
    return result.said[0]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("content", [b"", b"mine", MARKED, b"<!doctype html>" + b" " * 9000])
def test_a_file_that_allconv_did_not_write_stays(writer: str, content: bytes) -> None:
    Path("mine.html").write_bytes(content)
    said = refusal(*WRITERS[writer], "mine.html")
    assert "mine.html is there already" in said
    assert Path("mine.html").read_bytes() == content


@pytest.mark.parametrize("writer", WRITERS)
def test_a_model_is_not_the_name_of_a_page(writer: str) -> None:
    Path("model.onnx").write_bytes(b"weights")
    assert "a name that ends in .html" in refusal(*WRITERS[writer], "model.onnx")
    assert Path("model.onnx").read_bytes() == b"weights"


@pytest.mark.parametrize("writer", WRITERS)
def test_a_page_is_written_again_unless_it_is_read_only(writer: str) -> None:
    run(*CONV, "page.html")
    before = Path("page.html").read_bytes()
    Path("page.html").chmod(0o444)
    assert "is read-only" in refusal(*WRITERS[writer], "page.html")
    assert Path("page.html").read_bytes() == before
    Path("page.html").chmod(0o644)
    done(*WRITERS[writer], "page.html")


@pytest.mark.parametrize("name", ["a.svg", "a.gif"])
def test_a_picture_is_written_again(name: str) -> None:
    for _ in range(2):
        done(*CONV, name)
    Path(name).write_text("1 2 3 4")
    assert "is there already" in refusal(*CONV, name)


def test_an_input_is_not_written_over() -> None:
    Path("numbers.svg").write_text("1 2 3 4")
    given = ("show", "conv", "--input", "numbers.svg", "--kernel", "1 2 3", "-o", "numbers.svg")
    assert "numbers.svg is there already" in refusal(*given)
    assert Path("numbers.svg").read_text() == "1 2 3 4"
