"""Compiled code on disk: what verifies is used, anything else is rebuilt and never run."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from allconv.engine import cache, compiler
from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel

from .calling import KERNEL, TARGETS

POSIX = pytest.mark.skipif(
    not hasattr(os, "geteuid"), reason="needs permissions of POSIX: run it on Linux"
)
AS_USER = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="needs a user who is not root: run it as one",
)


@dataclass(frozen=True, kw_only=True)
class AnswerArguments(Arguments[T]):
    """Where the number is written."""

    unused: T
    out: T


@dataclass(frozen=True)
class Answer(Kernel):
    """Writes a number that is part of its key."""

    number: int

    takes: ClassVar = AnswerArguments

    def emit(self, code):
        View(code, code.arguments(AnswerArguments).out, dtype="int64").store_scalar(
            code.value(self.number)
        )


def answer(number: int) -> Answer:
    return Answer(TARGETS[0], "float32", number)


def result(number: int) -> int:
    """What the kernel that should write `number` writes."""
    loaded = cache.load(answer(number))
    out = np.zeros(1, np.int64)
    args = np.zeros(2, np.int64)
    args[1] = out.ctypes.data
    KERNEL(loaded.address)(args.ctypes.data, 0, 0)
    return int(out[0])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache that only this test uses."""
    path = tmp_path / "kernels"
    monkeypatch.setenv(cache.VARIABLE, str(path))
    forget(monkeypatch)
    return path


def forget(monkeypatch) -> None:
    """Do as a new process does: remember no code and no warning."""
    monkeypatch.setattr(cache, "_loaded", {})
    monkeypatch.setattr(cache, "_warned", set())


def compiled(monkeypatch, number=1) -> int:
    """Load in what stands for a new process, check the answer, count the compilations."""
    forget(monkeypatch)
    before = compiler.compilations()
    assert result(number) == number
    return compiler.compilations() - before


def both(monkeypatch) -> list[int]:
    """Two answers of what stands for a new process."""
    forget(monkeypatch)
    return [result(1), result(2)]


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.kernel"))


def test_memory_then_disk_then_compiler(folder, monkeypatch):
    """A routine is compiled once, then read from disk, then remembered."""
    assert compiled(monkeypatch) == 1
    before = compiler.compilations()
    assert cache.load(answer(1)) is cache.load(answer(1))
    assert compiler.compilations() == before
    assert compiled(monkeypatch) == 0
    assert cache.load(answer(1)).name.startswith("Answer_")
    assert answer(1).slots == ("unused", "out")


def test_on_compile_is_told(folder, monkeypatch):
    """Listeners hear of real compilations only."""
    heard = []
    monkeypatch.setattr(compiler, "on_compile", [heard.append])
    compiled(monkeypatch, 5)
    compiled(monkeypatch, 5)
    assert heard == [answer(5)]


def test_keys_tell_structures_apart():
    """Fields, class, dtype, target and sources are in the key; equal kernels have equal keys."""
    keys = [answer(1).key(), answer(2).key(), Answer(TARGETS[0], "float64", 1).key()]
    keys.append(Answer(TARGETS[-1], "float32", 1).key())
    assert len(set(keys)) == 4
    assert answer(1).key() == answer(1).key()
    for part in ("number = 1", "llvmlite", "LLVM", "sources", TARGETS[0].features, "Answer"):
        assert part in keys[0]
    assert answer(1).name.isidentifier()


@POSIX
def test_folder_and_files_are_private(folder, monkeypatch):
    """The folder is made for its owner alone, and so is every entry; nothing else is left."""
    compiled(monkeypatch)
    assert folder.stat().st_mode & 0o777 == 0o700
    (entry,) = folder.iterdir()
    assert entry.stat().st_mode & 0o777 == 0o600


def broken_entries(data: bytes):
    """Ways in which an entry can be damaged."""
    yield b""
    for size in (1, 20, 55, len(data) // 2, len(data) - 1):
        yield data[:size]
    yield data + b"\0"
    for place in range(0, len(data), max(1, len(data) // 60)):
        yield data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


@pytest.mark.slow
def test_damaged_entries_are_rebuilt(folder, monkeypatch):
    """Cut, lengthened or changed in one bit anywhere: compiled anew, silently, and replaced."""
    compiled(monkeypatch)
    (entry,) = entries(folder)
    data = entry.read_bytes()
    for broken in broken_entries(data):
        entry.write_bytes(broken)
        assert compiled(monkeypatch) == 1
        assert entry.read_bytes() == data
    assert compiled(monkeypatch) == 0


def test_swapped_entries_are_rebuilt(folder, monkeypatch):
    """An intact entry under the name of another is not run: its key is not the one wanted."""
    compiled(monkeypatch, 1)
    compiled(monkeypatch, 2)
    first, second = entries(folder)
    swapped = first.read_bytes(), second.read_bytes()
    second.write_bytes(swapped[0])
    first.write_bytes(swapped[1])
    assert compiled(monkeypatch, 1) == 1
    assert compiled(monkeypatch, 2) == 1
    assert {first.read_bytes(), second.read_bytes()} == set(swapped)


def test_entries_of_another_version_are_rebuilt(folder, monkeypatch):
    """A key that differs in its last line alone is another entry, with another name."""
    compiled(monkeypatch)
    key = answer(1).key()
    monkeypatch.setattr(Answer, "key", lambda self: key + "\nLLVM of tomorrow")
    assert compiled(monkeypatch) == 1
    assert len(entries(folder)) == 2


@POSIX
def test_what_stands_in_the_place_of_an_entry_is_not_followed(folder, monkeypatch, tmp_path):
    """A symbolic link, a pipe or a folder in the place of an entry is not read."""
    compiled(monkeypatch)
    (entry,) = entries(folder)
    elsewhere = tmp_path / "elsewhere"
    entry.rename(elsewhere)
    entry.symlink_to(elsewhere)
    assert compiled(monkeypatch) == 1
    assert not entry.is_symlink()
    entry.unlink()
    os.mkfifo(entry)
    assert compiled(monkeypatch) == 1
    assert entry.is_file()
    entry.unlink()
    entry.mkdir()
    with pytest.warns(cache.CacheWarning, match="not kept on disk"):
        assert compiled(monkeypatch) == 1


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o720])
def test_a_folder_that_others_may_write_is_not_trusted(folder, monkeypatch, mode):
    """Code is then kept in memory, with one warning that says what would do."""
    folder.mkdir()
    folder.chmod(mode)
    with pytest.warns(cache.CacheWarning, match="chmod 700") as caught:
        numbers = both(monkeypatch)
    assert numbers == [1, 2]
    assert len(caught) == 1
    assert not list(folder.iterdir())
    assert cache.info() == cache.CacheInfo(None, 0, 0)


@POSIX
def test_a_folder_of_another_user_is_not_trusted(folder, monkeypatch):
    """The owner of the folder must be who runs."""
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.warns(cache.CacheWarning, match="another user"):
        assert compiled(monkeypatch) == 1


@POSIX
def test_an_entry_of_another_user_is_not_read(folder, monkeypatch):
    """Even in a good folder an entry must belong to who runs."""
    compiled(monkeypatch)
    monkeypatch.setattr(cache, "_distrust", lambda folder: None)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert compiled(monkeypatch) == 1


@POSIX
def test_a_link_to_a_folder_is_not_trusted(folder, monkeypatch, tmp_path):
    """The folder itself must not be a symbolic link."""
    (tmp_path / "real").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "real")
    with pytest.warns(cache.CacheWarning, match="not kept on disk"):
        assert compiled(monkeypatch) == 1
    assert not list((tmp_path / "real").iterdir())


@AS_USER
def test_a_read_only_folder_is_no_reason_to_stop(folder, monkeypatch):
    """Code is then kept in memory, with one warning."""
    folder.mkdir(mode=0o500)
    with pytest.warns(cache.CacheWarning, match="not kept on disk") as caught:
        numbers = both(monkeypatch)
    assert numbers == [1, 2]
    assert len(caught) == 1


def test_a_full_disk_is_no_reason_to_stop(folder, monkeypatch):
    """An entry that cannot be written leaves nothing behind, and is warned of once."""

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.warns(cache.CacheWarning, match="No space left") as caught:
        numbers = both(monkeypatch)
    assert numbers == [1, 2]
    assert len(caught) == 1
    assert not list(folder.iterdir())


def test_a_file_in_the_place_of_the_folder(folder, monkeypatch):
    """A file where the folder should be is no reason to stop."""
    folder.write_text("not a folder")
    with pytest.warns(cache.CacheWarning, match="not kept on disk"):
        assert compiled(monkeypatch) == 1
    assert folder.read_text() == "not a folder"


def test_without_a_home_nothing_is_written(folder, monkeypatch, tmp_path):
    """Where the system knows no home folder the working folder is not taken for it."""
    import platformdirs

    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: Path("~/.cache") / name)
    with pytest.warns(cache.CacheWarning, match="ALLCONV_CACHE can name another place"):
        assert compiled(monkeypatch) == 1
    assert not list(tmp_path.iterdir())


def test_off_means_memory_only(folder, monkeypatch):
    """ALLCONV_CACHE=off keeps nothing on disk and warns of nothing."""
    monkeypatch.setenv(cache.VARIABLE, "off")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compiled(monkeypatch) == 1
        assert compiled(monkeypatch) == 1
        assert cache.info() == cache.CacheInfo(None, 0, 0)
        assert cache.clear() == 0
    assert not folder.exists()


def test_info_and_clear(folder, monkeypatch):
    """info counts entries and bytes; clear removes them and says how many there were."""
    for number in (1, 2, 3):
        compiled(monkeypatch, number)
    sizes = [path.stat().st_size for path in entries(folder)]
    assert cache.info() == cache.CacheInfo(folder, 3, sum(sizes))
    (folder / "mine.txt").write_text("left alone")
    assert cache.clear() == 3
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert result(1) == 1


def test_the_oldest_entries_go_first(folder, monkeypatch):
    """Above the limit the oldest are removed, and what killed processes left behind."""
    for number in (1, 2, 3):
        compiled(monkeypatch, number)
        for path in entries(folder):
            times = path.stat().st_mtime - 100
            os.utime(path, (times, times))
    oldest = min(entries(folder), key=lambda path: path.stat().st_mtime)
    left, fresh = folder / "left.partial", folder / "fresh.partial"
    left.touch()
    os.utime(left, (0, 0))
    fresh.touch()
    total = sum(path.stat().st_size for path in entries(folder))
    monkeypatch.setattr(cache, "LIMIT", total + 10)
    compiled(monkeypatch, 4)
    assert not oldest.exists()
    assert len(entries(folder)) == 3
    assert not left.exists()
    assert fresh.exists()


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from engine import test_cache
for number in range(12):
    assert test_cache.result(number) == number
"""


@pytest.mark.slow
def test_processes_may_compile_the_same_at_once(folder):
    """Several processes that fill one cache all get right code, and leave whole entries only."""
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(Path(__file__).parents[1])]
    running = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    assert len(entries(folder)) == 12
    assert len(list(folder.iterdir())) == 12


def test_an_entry_that_vanishes_is_not_counted(tmp_path, monkeypatch):
    """Another process may remove an entry between the look at the folder and the look at it."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    suffix = cache._SUFFIX
    (tmp_path / f"there{suffix}").write_bytes(b"code")
    gone = tmp_path / f"gone{suffix}"
    found = cache._files
    monkeypatch.setattr(cache, "_files", lambda *given: [*found(*given), gone])
    known = cache.info()
    assert (known.entries, known.bytes) == (1, 4)
