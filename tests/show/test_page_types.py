"""The types of the pages' JavaScript, which stand in comments, and the form of its text."""

from __future__ import annotations

import subprocess
from pathlib import Path

from page_node import CSS, JS, NODE_MODULES, needs_package, node

TSC = NODE_MODULES / "typescript/bin/tsc"
PRETTIER = NODE_MODULES / "prettier/bin/prettier.cjs"
OPTIONS = (
    *("--noEmit", "--allowJs", "--checkJs", "--strict", "--noUnusedLocals", "--noImplicitReturns"),
    *("--target", "es2022", "--module", "esnext", "--lib", "es2023,dom,dom.iterable"),
    *("--moduleResolution", "bundler"),
)


def checked(*files: Path) -> subprocess.CompletedProcess[str]:
    """What TypeScript says of some files."""
    return node(TSC, *OPTIONS, *files)


@needs_package("typescript")
def test_types_agree() -> None:
    """Every module, strictly."""
    ran = checked(JS / "types.d.ts", *sorted(JS.glob("*.js")))
    assert ran.stdout == ""
    assert ran.returncode == 0, ran.stderr


@needs_package("typescript")
def test_a_type_that_does_not_agree_is_noticed(tmp_path: Path) -> None:
    module = tmp_path / "wrong.js"
    module.write_text(
        "/** @param {Axis} axis */\nexport function wide(axis) {\n  return axis.width;\n}\n"
    )
    assert (
        "Property 'width' does not exist on type 'Axis'"
        in checked(JS / "types.d.ts", module).stdout
    )


@needs_package("prettier")
def test_scripts_and_styles_are_formatted() -> None:
    """`node .node/node_modules/prettier/bin/prettier.cjs --print-width 100 --write` mends them."""
    files = sorted([*JS.glob("*.js"), *JS.glob("*.ts"), *CSS.glob("*.css")])
    ran = node(PRETTIER, "--no-config", "--print-width", "100", "--list-different", *files)
    assert ran.stdout.split() == []
    assert ran.returncode == 0, ran.stderr
