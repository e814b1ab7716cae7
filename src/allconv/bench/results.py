"""What was found, as plain data that JSON keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, get_type_hints

from allconv.bench.engines import ENGINES
from allconv.bench.machine import describe_machine, versions
from allconv.errors import FileError
from allconv.files import atomic_write, read_text
from allconv.text import printable

FORMAT = 1
SUITES = ("layers", "networks", "training", "startup", "memory", "model")
LARGEST_FILE = 64 * 1024 * 1024


@dataclass
class WorkloadResult:
    """What was found for one workload on so many threads, by the names of engines.

    `figures` are numbers by what they are: "median", "low", "high", "least" (seconds) and "calls"
    of timings (with parts of them beside), or bytes of memory. `differences` are those of results
    from ours, relative to the largest number in ours. `failures` say why an engine has no figures.
    """

    group: str
    name: str
    threads: int
    layout: str = ""
    multiply_adds: int = 0
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    profile: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Results:
    """All that a run of a suite found, and on which machine."""

    suite: str
    date: str
    machine: dict[str, Any]
    versions: dict[str, str]
    peaks: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    rows: list[WorkloadResult] = field(default_factory=list)

    @classmethod
    def begin(cls, suite: str) -> Self:
        """Of a run that begins now, on this machine."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return cls(suite, now, describe_machine(), versions())

    def note(self, engine: str, settings: str) -> None:
        """Say how an engine was set, beside what was said before."""
        known = self.settings.setdefault(engine, settings)
        if settings not in known.split(" | "):
            self.settings[engine] = f"{known} | {settings}"

    def save(self, path: Path | str) -> None:
        """Write all of it as JSON; FileError where that fails."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1, allow_nan=False)
        atomic_write(path, (text + "\n").encode())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote; FileError for anything else."""
        file = printable(path)
        text = read_text(path, LARGEST_FILE, "a file of results")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise FileError(
                f"{file} is not JSON; a file of allconv bench --json is expected"
            ) from None
        try:
            if data.pop("format") != FORMAT:
                raise ValueError("another format")
            rows = [_checked(WorkloadResult, row) for row in data.pop("rows")]
            found: Self = _checked(cls, {**data, "rows": []})
            if found.suite not in SUITES:
                raise ValueError("no such suite")
        except (AttributeError, KeyError, TypeError, ValueError):
            raise FileError(
                f"{file} holds no results of this version; make it anew with allconv bench --json"
            ) from None
        found.rows = rows
        return found


def _checked(kind: Any, data: Mapping[str, Any]) -> Any:
    """A dataclass from plain data whose top-level types are right."""
    hints = get_type_hints(kind)
    made = kind(**data)
    for each in fields(kind):
        expected = getattr(hints[each.name], "__origin__", hints[each.name])
        if not isinstance(getattr(made, each.name), expected):
            raise TypeError(each.name)
    return made


def title(engine: str) -> str:
    """What an engine is called."""
    return ENGINES[engine].title if engine in ENGINES else engine
