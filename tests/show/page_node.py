"""Node beside Python: the pages' modules run on what a test gives them, and answer in JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
JS = ROOT / "src/allconv/show/page/js"
CSS = ROOT / "src/allconv/show/page/css"
NODE = shutil.which("node")
NODE_MODULES = Path(os.environ.get("ALLCONV_NODE_MODULES") or ROOT / ".node/node_modules")
"""Where the tools from npm are that tests alone use; `.ci/run` puts them there."""

needs_node = pytest.mark.skipif(NODE is None, reason="needs Node: apt-get install nodejs")


def needs_package(*names: str) -> pytest.MarkDecorator:
    """The mark of a test that Node and some packages from npm must be there for."""
    missing = [name for name in names if not (NODE_MODULES / name).is_dir()]
    if NODE is None:
        return needs_node
    reason = f"needs {', '.join(missing)}: npm install --no-save --prefix .node NAME, as in .ci/run"
    return pytest.mark.skipif(bool(missing), reason=reason)


def node(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Node with these arguments and this standard input, whatever it exits with."""
    assert NODE
    command = [NODE, *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, text=True, encoding="utf-8")


def asked(script: str, modules: Path, question: Any) -> Any:
    """What a script beside this file answers, which is told where the modules are."""
    path = Path(__file__).with_name(script)
    ran = node(path, modules.as_uri(), given=json.dumps(question))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
