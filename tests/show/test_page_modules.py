"""The pages' modules of JavaScript: how they join, what they may not hold, and that they can be
read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_node import JS, needs_node, node

from allconv.show.page import modules

NAMES = sorted(path.name for path in JS.glob("*.js"))
PAGE = "app.js"
LONGEST_LINE, LONGEST_FUNCTION = 100, 60
NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml")
FORBIDDEN = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write",
    r"\beval\b|\bnew Function\b|\bimport\(",
    r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon",
    r"https?://",
)
IMPORT = re.compile(r'^import [^;]*from "\./(\w+\.js)";$|^import "\./(\w+\.js)";$', re.MULTILINE)
FUNCTION = re.compile(r"^(?P<indent> *)(?:export )?(?:async )?function\*? (?P<name>\w+)")
ARROW = re.compile(r"^(?P<indent> *)(?:export )?const (?P<name>\w+) = .*=> \{$")


def source(name: str) -> str:
    return (JS / name).read_text("utf-8")


def reached(name: str) -> set[str]:
    """A module and all that it imports, by way of others too."""
    found, todo = {name}, [name]
    while todo:
        for pair in IMPORT.findall(source(todo.pop())):
            (each,) = filter(None, pair)
            if each not in found:
                found.add(each)
                todo.append(each)
    return found


def entries() -> list[str]:
    """The modules that no other imports: each is the script of a page."""
    imported = {"".join(pair) for name in NAMES for pair in IMPORT.findall(source(name))}
    return [name for name in NAMES if name not in imported]


def functions(text: str) -> dict[str, int]:
    """How many lines each function with a name has: to the brace at its own indentation."""
    lines, found = text.splitlines(), {}
    for start, line in enumerate(lines):
        head = FUNCTION.match(line) or ARROW.match(line)
        if head and not line.endswith("}"):
            end = re.compile(rf"{head['indent']}\}}")
            rest = (n for n, each in enumerate(lines) if n > start and end.match(each))
            found[head["name"]] = next(rest, len(lines)) - start + 1
    return found


def test_every_module_belongs_to_a_page() -> None:
    """What no page's script reaches would be dead."""
    assert PAGE in entries()
    assert set.union(*map(reached, entries())) == set(NAMES)


@pytest.mark.parametrize("entry", entries())
def test_modules_join_to_one_script(entry: str) -> None:
    """Each once, before those that take names from it; no line of import or export is left."""
    script = modules.module_text(entry)
    defined = [f"{name}.js" for name in re.findall(r"^const \$(\w+) = ", script, re.MULTILINE)]
    assert sorted(defined) == sorted(reached(entry))
    for at, name in enumerate(defined):
        assert reached(name) <= set(defined[: at + 1])
    assert re.findall(r"^\s*(?:import|export)\b.*", script, re.MULTILINE) == []


@needs_node
@pytest.mark.parametrize("entry", entries())
def test_the_script_parses(entry: str, tmp_path: Path) -> None:
    script = tmp_path / "script.js"
    script.write_text(modules.module_text(entry), "utf-8")
    ran = node("--check", script)
    assert ran.returncode == 0, ran.stderr


@needs_node
def test_a_script_that_does_not_parse_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "script.js"
    script.write_text("(() => {\nconst a = 1; const a = 2;\n})();\n", "utf-8")
    assert "already been declared" in node("--check", script).stderr


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Modules by name, in place of those of the pages."""
    texts: dict[str, str] = {}
    monkeypatch.setattr(modules, "_source", texts.__getitem__)
    modules.module_text.cache_clear()
    yield texts
    modules.module_text.cache_clear()


@needs_node
def test_names_of_a_module_are_its_own(made_up: dict[str, str], tmp_path: Path) -> None:
    """Two modules may have one name at their top; what they import is what was exported."""
    made_up["a"] = (
        'import {\n  b,\n  Kind,\n} from "./b.js";\nimport { c } from "./c.js";\n'
        "const own = 1;\nconsole.log(own, b(), c, new Kind().own);\n"
    )
    made_up["b"] = (
        "// said\n/**\n * @returns {number}\n */\nexport function b() {\n  return own;\n}\n"
        "const own = /** @type {number} */ (2);\nexport class Kind {\n  own = own + 1;\n}\n"
    )
    made_up["c"] = 'import { b } from "./b.js";\nconst own = 4;\nexport const c = own * b();\n'
    script = tmp_path / "script.js"
    script.write_text(modules.module_text("a.js"), "utf-8")
    ran = node(script)
    assert (ran.stdout, ran.stderr) == ("1 2 8 3\n", "")


def test_modules_that_import_each_other_are_refused(made_up: dict[str, str]) -> None:
    made_up["a"] = 'import { b } from "./b.js";\n'
    made_up["b"] = 'import { a } from "./a.js";\n'
    with pytest.raises(ValueError, match="a -> b -> a"):
        modules.module_text("a.js")


@pytest.mark.parametrize(
    "line",
    [
        'import b from "./b.js";',
        'import * as b from "./b.js";',
        'import { b } from "b";',
        "export default 1;",
        "export { b };",
    ],
)
def test_other_forms_of_import_and_export_are_refused(line: str, made_up: dict[str, str]) -> None:
    made_up["a"] = f"{line}\n"
    made_up["b"] = "export const b = 1;\n"
    with pytest.raises(ValueError, match="not an import or export of a known form"):
        modules.module_text("a.js")


def test_modules_can_be_read() -> None:
    """Each says what it is; lines and functions are short."""
    faults = {name: list(unreadable(source(name))) for name in NAMES}
    assert {name: found for name, found in faults.items() if found} == {}


def unreadable(text: str) -> Iterator[str]:
    """What makes a module hard to read."""
    if not text.startswith("// "):
        yield "no comment at the top"
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            yield f"line {number} has {len(line)} signs"
    for name, lines in functions(text).items():
        if lines > LONGEST_FUNCTION:
            yield f"{name} has {lines} lines"


def test_long_functions_are_noticed() -> None:
    body = "\n".join(["  one();"] * 70)
    text = f"export function a() {{\n{body}\n}}\n\nconst b = c.map(() => {{\n{body}\n}});\n"
    assert functions(text) == {"a": 72, "b": 72}


def test_modules_build_no_code_and_reach_no_network() -> None:
    """Texts become nodes, never markup or code; no address but the names of SVG and XHTML."""
    faults = {name: list(forbidden(source(name))) for name in NAMES}
    assert {name: found for name, found in faults.items() if found} == {}


def forbidden(text: str) -> Iterator[str]:
    """What no page may do."""
    for namespace in NAMESPACES:
        text = text.replace(f'"{namespace}"', '""')
    for pattern in FORBIDDEN:
        yield from re.findall(pattern, text)


def test_what_is_forbidden_is_noticed() -> None:
    text = 'a.innerHTML = b; fetch("https://a.test"); eval(c); svg("http://www.w3.org/2000/svg");'
    assert list(forbidden(text)) == ["innerHTML", "eval", "fetch(", "https://"]
    assert list(unreadable("let a;\n" + "a" * 101)) != []


def test_the_readme_names_every_module_or_its_group() -> None:
    """By name: what several pages use, and every script of a page; the rest are parts of one."""
    text = source("README.md")
    named = set(re.findall(r"`(\w+\.js)`", text))
    assert named <= set(NAMES)
    assert set(entries()) <= named
    shared = set.intersection(*map(reached, entries()))
    assert shared <= named
    assert named == set(NAMES) or "| the others |" in text
