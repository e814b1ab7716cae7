"""Files that break the rules: tensors that lie in another file."""

from __future__ import annotations

from collections.abc import Callable

from onnx_hostile_models import Model, Row, changed

from allconv.errors import FileError
from onnx import TensorProto


def outside(*entries: tuple[str, str]) -> Callable[[], Model]:
    """The base network whose first tensor, 72 bytes, is said to lie outside."""

    def change(model: Model) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries:
            tensor.external_data.add(key=key, value=value)

    return changed(change)


OUTSIDE: dict[str, Row] = {
    "a place above": (outside(("location", "../secret")), FileError, "not a name below"),
    "a place through a folder": (outside(("location", "a/../../b")), FileError, "not a name below"),
    "an absolute place": (outside(("location", "/etc/passwd")), FileError, "not a name below"),
    "no place": (outside(("offset", "0")), FileError, "not a name below"),
    "the folder itself": (outside(("location", ".")), FileError, "not a name below"),
    "a NUL": (outside(("location", "a\0b")), FileError, "not a name below"),
    "a backslash": (outside(("location", "..\\secret")), FileError, "not a name below"),
    "a name of 5,000 letters": (outside(("location", "a" * 5000)), FileError, "not a name below"),
    "a file that is not there": (outside(("location", "gone")), FileError, "cannot be opened"),
    "a link": (outside(("location", "link")), FileError, "a link that leaves"),
    "a link to a folder": (outside(("location", "up/decoy")), FileError, "a link that leaves"),
    "a link to itself": (outside(("location", "loop")), FileError, "without end"),
    "a link that goes up": (outside(("location", "around")), FileError, "a link that leaves"),
    "a file with two names": (outside(("location", "twin")), FileError, "not a plain file"),
    "a pipe": (outside(("location", "pipe")), FileError, "not a plain file"),
    "a folder": (outside(("location", "folder")), FileError, "not a plain file"),
    "a negative offset": (
        outside(("location", "good"), ("offset", "-1")),
        FileError,
        "the offset '-1'",
    ),
    "an offset past the end": (
        outside(("location", "good"), ("offset", "4096")),
        FileError,
        "ends before",
    ),
    "a length of -1": (outside(("location", "good"), ("length", "-1")), FileError, "length '-1'"),
    "another length": (outside(("location", "good"), ("length", "71")), FileError, "given as 71"),
    "a key twice": (
        outside(("location", "good"), ("location", "good")),
        FileError,
        "'location' has no place",
    ),
    "a key of the class": (
        outside(("location", "good"), ("__class__", "x")),
        FileError,
        "'__class__' has no place",
    ),
}
