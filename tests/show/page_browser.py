"""A browser for tests: one process that takes lists of steps and says what happened.

with Browser() as browser:
    visit = browser.visit(path, step("key", key="Tab"), step("focused"))
    visit.results[-1]["name"]  # "Operator"
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from page_node import NODE, NODE_MODULES, needs_package

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATH = next(filter(None, map(shutil.which, NAMES)), None)


def needs_browser(*packages: str) -> pytest.MarkDecorator:
    """The mark of a test for which a browser must be there, and packages from npm."""
    if PATH is None:
        return pytest.mark.skipif(True, reason="needs a browser: apt-get install chromium")
    return needs_package("puppeteer-core", *packages)


def step(do: str, **settings: Any) -> dict[str, Any]:
    """One step of a visit; `browser.mjs` lists them.

    click, hover, focus   at=selector
    drag                  over=[selector, ...]: pressed over the first, let go over the last
    key, type             key="Tab", times=3, held=["Shift"]; text="12"
    evaluate              code=JavaScript; returns its value
    wait                  until=JavaScript that becomes true
    viewport, media       width, height; features={"prefers-color-scheme": "dark"}
    screenshot, print     path; print returns {"bytes", "begins"}
    settle                waits until what was caused is drawn
    focused               returns {"tag", "role", "name", "seen"} of what has the keyboard, or None
    tab_to                name="Operator": Tab until what has the keyboard is called so
    walk                  returns {"stops", "missed"}: all Tab stops, and controls that are none
    axe                   returns the faults that axe-core is sure of
    """
    return {"do": do, **settings}


def key(name: str, **settings: Any) -> dict[str, Any]:
    """The step of a key: `times` over, with others `held`."""
    return step("key", key=name, **settings)


def run(code: str) -> dict[str, Any]:
    """The step of some JavaScript, whose value is the result."""
    return step("evaluate", code=code)


@dataclass(frozen=True)
class Visit:
    """What the steps returned, errors of the console, and requests besides the page itself."""

    results: list[Any]
    errors: list[str]
    requests: list[str]


def quiet(visit: Visit) -> Visit:
    """A visit without errors, and without requests besides the page."""
    assert visit.errors == []
    assert visit.requests == []
    return visit


class Browser:
    """A browser without a window, closed with its `with` block."""

    def __enter__(self) -> Browser:
        script = Path(__file__).with_name("browser.mjs")
        self._process = subprocess.Popen(
            [str(NODE), str(script), str(NODE_MODULES), str(PATH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process:  # its input ends, and with it the browser
            pass

    def visit(
        self,
        page: Path,
        *steps: dict[str, Any],
        address: str = "",
        javascript: bool = True,
        width: int = 1280,
        height: int = 900,
    ) -> Visit:
        """Open a file in a window of its own, take the steps, close it.

        address     what follows the file's name, "#op=conv" say
        javascript  False: scripts of the page do not run
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        options = {"javascript": javascript, "width": width, "height": height}
        asked = {"url": page.as_uri() + address, "options": options, "steps": steps}
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, "the browser has ended"
        report = json.loads(line)
        assert "failed" not in report, report
        return Visit(report["results"], report["errors"], report["requests"])
