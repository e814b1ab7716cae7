"""Numbers and letters as they are printed: read, and compared with what is computed."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import numpy as np

from allconv.operators.base import Array

NUMBER = re.compile(r"~?([-+]?[\d,]*)(\.\d*)?([KMB]?)")
UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9}


def cells(printed: str) -> Array:
    """What is printed, a cell each: one row, rows by line, or blocks of rows by an empty line.

    >>> cells("1 2\\n3 4").tolist()
    [['1', '2'], ['3', '4']]
    """
    blocks = re.split(r"\n\s*\n", dedent(printed).strip())
    read = np.array([[line.split() for line in block.splitlines()] for block in blocks])
    while read.ndim > 1 and read.shape[0] == 1:
        read = read[0]
    return read


def number(text: str) -> tuple[float, float] | None:
    """A printed number and half a unit of its last digit; None where it is not a number.

    >>> number("-3.1"), number("~2B"), number("W1")
    ((-3.1, 0.05), (2000000000.0, 500000000.0), None)
    """
    found = NUMBER.fullmatch(text)
    if found is None or not any(letter.isdigit() for letter in text):
        return None
    whole, fraction, unit = found[1].replace(",", ""), found[2] or "", UNITS[found[3]]
    return float(f"{whole}{fraction}") * unit, 0.5 * unit * 10.0 ** -max(len(fraction) - 1, 0)


def agrees(text: str, ours: Any, *, single: bool = False) -> bool:
    """Whether a computed cell is what is printed: by half a unit of the last digit, or by letter.

    single: what is printed was computed in float32, where a sum of a few products is known to two
    spacings, which may be more than the last digit that TensorFlow prints.

    >>> agrees("14.0", 14.04), agrees("14.0", 14.06), agrees("W1", "W1")
    (True, False, True)
    >>> agrees("22.974957", 22.97495606), agrees("22.974957", 22.97495606, single=True)
    (False, True)
    """
    read = number(text)
    if read is None or isinstance(ours, str):
        return text == str(ours)
    printed, most = read
    if single:
        most = max(most, 2 * float(np.spacing(np.float32(abs(printed)))))
    return bool(abs(float(ours) - printed) <= most)


def like(text: str, ours: Any) -> str:
    """A computed cell, written with as many digits as the printed one.

    >>> like("-3.1", 3.1000000000000005), like(".1", 0.12), like("2,000", 1600.0)
    ('3.1', '0.1', '1,600')
    """
    if isinstance(ours, str) or number(text) is None:
        return str(ours)
    found = NUMBER.fullmatch(text)
    digits = max(len((found[2] or "") if found else "") - 1, 0)
    return f"{float(ours) + 0.0:,.{digits}f}"  # + 0.0: there is no -0
