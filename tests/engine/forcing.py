"""Run nodes by the algorithm that a test names, whatever would be chosen."""

from __future__ import annotations

from dataclasses import replace

from allconv.engine import choose

TABLE = choose.ALGORITHMS
ROWS = [(operator, each) for operator, table in TABLE.items() for each in table]
"""Every operator with each of its algorithms."""


def row_name(value):
    """What a test of a row is called."""
    return getattr(value, "__name__", None) or value.name


def force(monkeypatch, name):
    """Let the algorithm of this name compute every node that it fits."""
    forced = {
        operator: sorted(
            (replace(each, why=lambda *_: "forced") if each.name == name else each
             for each in table),
            key=lambda each: each.name != name,
        )
        for operator, table in TABLE.items()
    }  # fmt: skip
    monkeypatch.setattr(choose, "ALGORITHMS", forced)


def force_winograd(monkeypatch, m):
    """Let F(m x m, 3 x 3) compute every correlation."""
    (name,) = (name for name, each in choose.WINOGRAD.items() if each == m)
    force(monkeypatch, name)
