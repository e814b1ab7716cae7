"""Text from files changes nothing but the line it is printed on, and keeps what it says."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import unicodedata

import pytest

from allconv.text import csv_cell, encodable, json_text, printable

EVERY = "".join(map(chr, range(sys.maxunicode + 1)))
HARMLESS = [
    "cat",
    "Ankle boot",
    "T-shirt/top",
    "Käfer",
    "猫",
    "a\N{NO-BREAK SPACE}b",
    r"C:\photos",
    "🦊",
]
HOSTILE = {
    "\x1b[2J": r"\x1b[2J",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "two\nlines\r\tand more": r"two\nlines\r\tand more",
    "\x9b31m": r"\u009b31m",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe": r"\u202egpj.exe",
    "a\N{LINE SEPARATOR}b": r"a\u2028b",
    "cat\N{ZERO WIDTH SPACE}": r"cat\u200b",
    "\0": r"\x00",
    "\ud800": r"\ud800",
    os.fsdecode(b"caf\xe9"): r"caf\xe9",
}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_can_be_seen_stays(text):
    """Letters, signs and spaces of all scripts are shown as they are."""
    assert printable(text) == encodable(text) == csv_cell(text) == text
    assert json_text(text) == f'"{text}"'.replace("\\", "\\\\")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_cannot_be_seen_is_escaped(text):
    """Once, on one line, and the same where it is given as bytes."""
    assert printable(text) == HOSTILE[text]
    assert printable(printable(text)) == HOSTILE[text]
    assert printable(os.fsencode(text) if text != "\ud800" else text) == HOSTILE[text]
    assert csv_cell(text) == HOSTILE[text]


@pytest.mark.slow
def test_every_character():
    """No control, format or separating character of Unicode is left; no two are shown alike."""
    shown = [printable(each) for each in EVERY]
    kinds = {unicodedata.category(each) for each in set("".join(shown))}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert len(set(shown)) == len(EVERY)
    encodable(EVERY).encode()
    whole = EVERY.translate(dict.fromkeys(range(0xD800, 0xE000)))
    assert encodable(whole) == whole


@pytest.mark.slow
def test_json_reads_back():
    """Any text comes back from its JSON, which has no character that cannot be seen."""
    apart = " ".join(EVERY)  # or two surrogates side by side would become a character
    text = json_text({"name": apart})
    assert json.loads(text)["name"] == apart
    assert len(text.splitlines()) == 1
    assert printable(text) == text
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(float("nan"))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", " =", "\N{NO-BREAK SPACE}+"])
def test_formulas_are_no_cells(start):
    """What a spreadsheet would compute gets an apostrophe in front."""
    assert csv_cell(f"{start}1+cmd") == f"'{start}1+cmd"


@pytest.mark.parametrize("start", ["\t", "\r", "\n"])
def test_white_space_that_hides_a_formula_is_escaped(start):
    """Tab and line ends, which some programs strip, are no white space any more."""
    assert csv_cell(f"{start}=1") == printable(f"{start}=1")
    assert csv_cell(f"{start}=1").startswith("\\")


def test_cells_stay_cells():
    """Separators and quotes in names are for the CSV writer, and come back."""
    names = ['a,"b"', "a;b", *HOSTILE]
    text = io.StringIO()
    csv.writer(text).writerow([csv_cell(name) for name in names])
    assert len(text.getvalue().splitlines()) == 1
    (row,) = csv.reader(io.StringIO(text.getvalue()))
    assert row == [printable(name) for name in names]


def test_long_names_are_cut():
    """The length is bounded before anything is escaped."""
    assert printable("x" * 100, 10) == "xxxxxxx..."
    assert printable("x" * 10, 10) == "x" * 10
    assert printable("\x1b" * 100, 10) == r"\x1b" * 7 + "..."
