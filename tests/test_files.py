"""Writing whole files: the old bytes or the new ones, whatever fails."""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from allconv.errors import FileError
from allconv.files import atomic_write, make_folder, open_file, read_text


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


def test_bytes_and_writers_are_written(tmp_path):
    """Bytes, or what a function writes to the open file, become the file."""
    atomic_write(tmp_path / "a", b"one")
    atomic_write(tmp_path / "a", lambda file: file.write(b"two"))
    assert (tmp_path / "a").read_bytes() == b"two"
    assert names(tmp_path) == ["a"]


def test_the_usual_permissions(tmp_path):
    """The file has the permissions of any new file, not those of a private one."""
    atomic_write(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize(
    ("where", "number", "message"),
    [
        ("open", errno.EACCES, "choose a folder that you may write to"),
        ("open", errno.EROFS, "not read-only"),
        ("write", errno.ENOSPC, "free some space"),
        ("write", errno.EDQUOT, "free some of your quota"),
        ("write", errno.EIO, "input/output error"),
        ("fsync", errno.EIO, "input/output error"),
        ("replace", errno.EPERM, "choose a folder that you may write to"),
    ],
)
def test_a_fault_at_any_step_keeps_the_old_file(tmp_path, monkeypatch, where, number, message):
    """A fault while opening, writing, syncing or renaming raises with the path and a remedy."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*args, **keywords):
        raise OSError(number, os.strerror(number))

    content = b"new"
    with monkeypatch.context() as patch:
        if where == "open":
            patch.setattr(Path, "open", fail)
        elif where == "write":
            content = fail
        elif where == "fsync":
            patch.setattr(os, "fsync", fail)
        else:
            patch.setattr(Path, "replace", fail)
        with pytest.raises(FileError, match=message) as caught:
            atomic_write(path, content)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk(tmp_path):
    """A real limit on the size of files: the old file stays, and the error says what to do."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = (
        "import sys; from allconv.files import atomic_write; from allconv.errors import FileError\n"
        "try: atomic_write(sys.argv[1], bytes(1 << 20))\n"
        "except FileError as error: print(error); sys.exit(7)"
    )

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, preexec_fn=limit
    )
    assert done.returncode == 7, done.stderr
    assert f"{path} cannot be written: file too large" in done.stdout
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path):
    """A process killed while it writes leaves the old file, and its rest is removed next time."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = (
        "import os, signal, sys; from allconv.files import atomic_write\n"
        "def half(file):\n"
        "    file.write(b'ne'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic_write(sys.argv[1], half)"
    )
    assert subprocess.run([sys.executable, "-c", code, path]).returncode == -9
    assert path.read_bytes() == b"old"
    assert len(names(tmp_path)) == 2
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_what_another_process_is_writing_stays(tmp_path):
    """The temporary file of a process that runs is left alone."""
    other = tmp_path / f".file.{os.getppid()}.tmp"
    other.write_bytes(b"half")
    atomic_write(tmp_path / "file", b"new")
    assert other.read_bytes() == b"half"


def test_links_and_folders_are_refused(tmp_path):
    """A symbolic link is not written through, and a folder is not replaced."""
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    for name in ("link", "dangling"):
        with pytest.raises(FileError, match=f"{name} is a symbolic link"):
            atomic_write(tmp_path / name, b"new")
    with pytest.raises(FileError, match="folder is a folder"):
        atomic_write(tmp_path / "folder", b"new")
    assert (tmp_path / "target").read_bytes() == b"old"
    assert names(tmp_path) == ["dangling", "folder", "link", "target"]


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_file_keeps_its_name(tmp_path, kind):
    """Nor do devices lose theirs: no /dev/null is replaced by a file."""
    path = special(tmp_path, kind)
    mode = path.stat().st_mode
    with pytest.raises(FileError, match=f"is a {kind}; choose another name"):
        atomic_write(path, b"new")
    assert path.stat().st_mode == mode
    assert names(tmp_path) == [path.name]


def test_names_as_long_as_they_may_be(tmp_path):
    """A name of 255 bytes is written, and what was left over for it removed; of 256 refused."""
    path = tmp_path / ("é" * 127 + "x")
    with pytest.raises(ZeroDivisionError):
        atomic_write(path, lambda file: 1 / 0)
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == [path.name]
    with pytest.raises(FileError, match="file name too long; choose a shorter name"):
        atomic_write(tmp_path / ("x" * 256), b"new")


def test_folders_that_cannot_be(tmp_path):
    """No folder, or a file in its place, is one sentence with the path."""
    with pytest.raises(FileError, match="make the folder first"):
        atomic_write(tmp_path / "none" / "file", b"new")
    if Path("/proc/self").is_dir():  # a folder that takes no files
        with pytest.raises(FileError, match="choose another folder"):
            atomic_write("/proc/file", b"new")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="file/below cannot be written: not a directory"):
        make_folder(tmp_path / "file" / "below")


def test_names_that_no_file_can_have(tmp_path):
    """A name with a zero byte is one sentence too."""
    with pytest.raises(FileError, match="it is not a legal name"):
        atomic_write(tmp_path / "a\0b", b"new")
    assert names(tmp_path) == []


def test_plain_files_are_opened(tmp_path):
    """By themselves and behind a link, to be read from the start."""
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for name in "ab":
        with open_file(tmp_path / name) as file:
            assert file.read() == b"one"
            assert file.seek(0) == 0


def special(folder: Path, kind: str) -> Path | str:
    """A place that is no plain file."""
    path = folder / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "link to a pipe":
        os.mkfifo(folder / "pipe")
        path.symlink_to(folder / "pipe")
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "below a file":
        path.write_bytes(b"")
        path /= "below"
    elif kind == "broken link":
        path.symlink_to(folder / "none")
    return {"device": "/dev/zero", "long": "x" * 5000, "zero": "a\0b"}.get(kind, path)


SPECIAL = {
    "folder": "x: is a folder, not an image",
    "pipe": "x: is a pipe, not an image",
    "socket": "x: is a socket, not an image",
    "link to a pipe": "x: is a pipe, not an image",
    "device": "/dev/zero: is a device, not an image",
    "circle": "x: is a symbolic link that leads back to itself",
    "below a file": "below: no such file: a part of its path is not a folder",
    "broken link": "x: no such file",
    "nothing": "x: no such file",
    "long": "x: no such file: its name is longer than the system allows",
    "zero": r"a\\x00b: no such file: it is not a legal name",
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_file_is_refused_without_waiting(tmp_path, kind):
    """Pipes, sockets, devices and circles are named as what they are."""
    with pytest.raises(FileError, match=SPECIAL[kind]):
        open_file(special(tmp_path, kind), "an image")


def test_a_pipe_that_takes_the_place_of_a_file(tmp_path, monkeypatch):
    """Even where it comes between looking and opening, nobody waits for it."""
    (tmp_path / "a").write_bytes(b"one")
    opened = os.open

    def swap(path, flags):
        Path(path).unlink()
        os.mkfifo(path)
        return opened(path, flags)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(FileError, match="is a pipe, not a file"):
        open_file(tmp_path / "a")


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    """Rights, and any other fault of the system, are one sentence with the path."""
    (tmp_path / "a").write_bytes(b"one")
    for number, message in ((errno.EACCES, "may not be read by this user"), (errno.EIO, "error")):

        def refuse(path, flags, code=number):
            raise OSError(code, os.strerror(code))

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", refuse)
            with pytest.raises(FileError, match=f"a: .*{message}"):
                open_file(tmp_path / "a")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "is a folder, not a note"),
        (lambda path: os.mkfifo(path), "is a pipe, not a note"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a note"),
        (lambda path: path.symlink_to(path), "leads back to itself"),
        (lambda path: path.write_bytes(b"12345678x"), "is not a note: it holds more than 8 bytes"),
        (lambda path: path.write_bytes(b"\xff"), "is not a note: it is not text"),
        (lambda path: None, "no such file"),
    ],
)
def test_a_text_is_a_small_file_of_text(tmp_path, make, message):
    """Anything else is refused by its name, without waiting and without reading it all."""
    path = tmp_path / "file"
    make(path)
    with pytest.raises(FileError, match=message) as caught:
        read_text(path, 8, "a note")
    assert str(caught.value).startswith(str(path))


def test_a_text_of_the_largest_size_is_read(tmp_path):
    """Without the mark that some editors put in front."""
    (tmp_path / "file").write_bytes("\ufeffé = 1".encode())
    assert read_text(tmp_path / "file", 9) == "é = 1"
