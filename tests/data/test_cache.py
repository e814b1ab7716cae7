"""Files are decoded once, in order, into memory or a file that nobody has to remove."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from allconv.data.cache import decode_files
from allconv.data.images import read_image

from . import making


@pytest.fixture
def paths(tmp_path) -> list[Path]:
    return [making.save(tmp_path / f"{n}.png", making.pattern(9, 8, seed=n)) for n in range(20)]


@pytest.mark.parametrize("memory_limit", [1, 2**30])
@pytest.mark.parametrize("threads", [1, 3])
def test_images_are_those_of_the_files(paths, memory_limit, threads):
    """Every image is what reading its file gives, in the order of the files, and read-only."""
    decoded = decode_files(paths, (6, 6), 3, memory_limit=memory_limit, threads=threads)
    assert decoded.images.shape == (20, 6, 6, 3)
    assert isinstance(decoded.images, np.memmap) == (memory_limit == 1)
    for image, path in zip(decoded.images, paths, strict=True):
        assert np.array_equal(image, read_image(path, 3, (6, 6)))
    assert decoded.kept == tuple(range(20))
    assert not decoded.failed
    assert not decoded.images.flags.writeable


@pytest.mark.parametrize("memory_limit", [1, 2**30])
def test_files_that_fail_leave_no_gap(paths, memory_limit):
    """The images of the others close up; the failed ones are named with why."""
    paths[3].write_bytes(paths[3].read_bytes()[:60])
    paths[19].unlink()
    decoded = decode_files(paths, (6, 6), 1, memory_limit=memory_limit)
    assert decoded.kept == tuple(n for n in range(20) if n not in (3, 19))
    assert set(decoded.failed) == {3, 19}
    assert "damaged" in decoded.failed[3]
    assert decoded.failed[19] == "no such file"
    assert np.array_equal(decoded.images[17], read_image(paths[18], 1, (6, 6)))


def test_nothing_can_be_read(paths):
    """No image at all is an empty array, mapped or not."""
    for path in paths:
        path.write_bytes(b"no")
    for memory_limit in (1, 2**30):
        decoded = decode_files(paths, (6, 6), 1, memory_limit=memory_limit)
        assert decoded.images.shape == (0, 6, 6, 1)
        assert len(decoded.failed) == 20


def test_temporary_file_goes(paths, tmp_path, monkeypatch):
    """The mapped file is in the temporary folder and leaves nothing there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    decoded = decode_files(paths, (6, 6), 3, memory_limit=1)
    assert decoded.images[19].any()
    del decoded
    gc.collect()
    assert list(folder.iterdir()) == []


def test_progress_counts_every_file(paths):
    """progress(done, total) is called once a file, in order."""
    calls = []
    decode_files(paths, (6, 6), 3, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(n, 20) for n in range(1, 21)]


def test_stopping_ends_the_threads(paths):
    """An exception in the progress callback (Ctrl-C, say) comes out, and no thread stays."""

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode_files(paths, (6, 6), 3, progress=stop, memory_limit=1)
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("allconv-decode")]


def test_full_disk_is_an_error(paths):
    """A temporary file that cannot grow is one sentence with the remedy."""
    code = (
        "import resource, sys, pathlib\n"
        "from allconv.data.cache import decode_files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: decode_files([pathlib.Path(p) for p in sys.argv[1:]], (40, 40), 3, memory_limit=1)\n"
        "except ValueError as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("FileError the decoded images do not fit into ")
    assert "set TMPDIR to a larger disk" in run.stdout
    assert run.stderr == ""
