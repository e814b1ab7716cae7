"""Checkpoints: all that a run needs to go on to the same bits, in one safetensors file.

`last.safetensors` holds the parameters and buffers by their names, what the optimizer keeps
("velocity/0.weight"), the best epoch's parameters and buffers ("best/0.weight") and, as JSON in its
metadata, how far the run is. As it is one file that is replaced in one step, it is whole whenever
the process dies. `best.safetensors` is a copy of the best weights for others to read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from allconv.errors import FileError
from allconv.files import atomic_write, open_file
from allconv.nn.weights_file import packed
from allconv.operators.base import Array
from allconv.text import json_text, printable
from allconv.train.history import Record

LAST = "last.safetensors"
BEST = "best.safetensors"
HISTORY = "history.jsonl"
_BEST = "best/"
_VERSION = 1
_KEY = "allconv"


@dataclass(frozen=True)
class Position:
    """How far a run is: `epoch` complete epochs and `step` steps of the next one.

    The others are sums over those steps: of the losses of `seen` labels, of which `right` were
    predicted right, and seconds.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    right: int = 0
    seen: int = 0
    data_seconds: float = 0.0
    step_seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run at one moment. `network` describes it, with a digest; `settings` are those of `fit`."""

    state: Mapping[str, Array]
    best: Mapping[str, Array]
    position: Position
    records: tuple[Record, ...]
    network: Mapping[str, str]
    settings: Mapping[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `last.safetensors`, then the history as lines of JSON."""
    arrays = dict(checkpoint.state)
    arrays.update((_BEST + name, array) for name, array in checkpoint.best.items())
    about = {
        "version": _VERSION,
        "position": asdict(checkpoint.position),
        "records": [record.to_fields() for record in checkpoint.records],
        "network": dict(checkpoint.network),
        "settings": dict(checkpoint.settings),
        "digest": _digest(arrays),
    }
    atomic_write(folder / LAST, packed(arrays, {_KEY: json_text(about)}))
    save_history(folder, checkpoint.records)


def save_history(folder: Path, records: tuple[Record, ...]) -> None:
    """Write `history.jsonl`, a line an epoch."""
    lines = "".join(record.to_json() + "\n" for record in records)
    atomic_write(folder / HISTORY, lines.encode())


def save_best(folder: Path, state: Mapping[str, Array], record: Record) -> None:
    """Write `best.safetensors`: parameters and buffers by name, the record in the metadata."""
    atomic_write(folder / BEST, packed(state, {"record": record.to_json()}))


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read `last.safetensors` of a run; FileError where it is missing, damaged or of another kind.

    No code is run, and every length is checked against the file before memory is taken.
    """
    path = folder / LAST
    if not os.path.lexists(path):
        raise FileError(
            f"{printable(path)} is not there, so there is no run to resume; start without resume"
        )
    open_file(path, "a checkpoint").close()
    with _understood(path):
        arrays, metadata = _read(path)
        about = _about(metadata)
        if about["digest"] != _digest(arrays):
            raise FileError("its numbers do not match their checksum")
        checkpoint = Checkpoint(
            state={n: a for n, a in arrays.items() if not n.startswith(_BEST)},
            best={n.removeprefix(_BEST): a for n, a in arrays.items() if n.startswith(_BEST)},
            position=_position(about["position"]),
            records=tuple(Record.from_fields(given) for given in about["records"]),
            network=about["network"],
            settings=about["settings"],
        )
        records, position = checkpoint.records, checkpoint.position
        in_order = all(record.epoch == n for n, record in enumerate(records, 1))
        if len(records) != position.epoch or not in_order:
            raise FileError("its records are not of the epochs that it counts")
        if position.step > position.seen:
            raise FileError(f"its position has {position.step} steps on {position.seen} labels")
    return checkpoint


def check_fits(
    path: Path, checkpoint: Checkpoint, expected: Mapping[str, Array], network: Mapping[str, str]
) -> None:
    """FileError unless the checkpoint is of this network and optimizer."""
    if checkpoint.network.get("digest") != network["digest"]:
        raise FileError(
            f"{printable(path)} is a checkpoint of another network, "
            f"{printable(str(checkpoint.network.get('text')), 200)}; this one is "
            f"{network['text']}; resume with the network that it was made for"
        )
    held = {name: _kind(array) for name, array in checkpoint.state.items()}
    needed = {name: _kind(array) for name, array in expected.items()}
    odd = sorted(name for name in {*held, *needed} if held.get(name) != needed.get(name))
    if odd:
        name = odd[0]
        raise FileError(
            f"{printable(path)} has {printable(name, 80)} as {held.get(name, 'nothing')}, expected "
            f"is {needed.get(name, 'nothing')}; resume with the network and the optimizer that it "
            "was made with"
        )


def _kind(array: Array) -> str:
    return f"{array.dtype.name} {array.shape}"


def _read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        names = list(file.keys())
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Name the file in whatever is wrong with it."""
    from safetensors import SafetensorError

    def refused(why: str) -> FileError:
        return FileError(
            f"{printable(path)} is not a usable checkpoint: {printable(why, 200)}; take another "
            "copy of it, or start without resume"
        )

    try:
        yield
    except FileError as error:
        raise refused(error.message) from None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise refused(str(error)) from error
    except RecursionError:
        raise refused("its description is nested too deep") from None


def _about(metadata: Mapping[str, str]) -> dict[str, Any]:
    about = json.loads(metadata.get(_KEY, "null"))
    if not isinstance(about, dict) or about.get("version") != _VERSION:
        raise FileError("it was not written by this version of allconv")
    kinds = {"position": dict, "records": list, "network": dict, "settings": dict, "digest": str}
    for name, kind in kinds.items():
        if not isinstance(about.get(name), kind):
            raise FileError(f"its {name} is missing")
    return about


def _position(given: dict[str, Any]) -> Position:
    names = [field.name for field in fields(Position)]
    if sorted(given) != sorted(names):
        raise FileError(f"its position must have {', '.join(names)}")
    whole = ("epoch", "step", "right", "seen")
    for name, value in given.items():
        kind = int if name in whole else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not 0 <= value < 2**62:
            raise FileError(f"its position has {name} {value!r}")
    return Position(**given)


def _digest(arrays: Mapping[str, Array]) -> str:
    digest = sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(np.array(array, order="C").tobytes())
    return digest.hexdigest()
