"""How the result of a run is used: commands and programs that run as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

from allconv.data import Dataset
from allconv.picture.markup import Markup, joined
from allconv.show.report.pieces import paragraph, program
from allconv.text import printable
from allconv.train.history import History


def usage(folder: Path, model: str, data: Dataset, source: str | None, history: History) -> Markup:
    """Commands and programs.

    folder, model: of the run, and the name of the network's file in it.
    source: the folder or file of the data, None for the images inside the package.
    """
    path = str(folder / model)
    image = _image(data, source)
    more = 2 * len(history.records)
    commands = [
        f"allconv predict {_quoted(path)} {'IMAGE_OR_FOLDER' if image is None else _quoted(image)}",
        f"allconv inspect {_quoted(path)}",
        f"allconv train --resume {_quoted(str(folder))} --epochs {more}",
    ]
    return joined(
        paragraph(
            "Run these in the folder where the training was started. They classify an image, list "
            "the layers with their costs, and continue the training."
        ),
        program("\n".join(commands)),
        paragraph("In Python:"),
        program(python_program(path, data, source)),
        paragraph("In any other runtime for ONNX files, here ONNX Runtime; images are uint8:"),
        program(onnx_program(path, data)),
    )


def python_program(path: str, data: Dataset, source: str | None) -> str:
    """A program that names images."""
    lines = ["import allconv as ac", ""]
    image = _image(data, source)
    images = repr(image)
    if image is None:
        given = "" if source is None else repr(source)
        lines.append(f"images = ac.data.load({given}).validation.images[:5]")
        images = "images"
    lines += [
        f"model = ac.ImageClassifier.load({path!r})",
        f"print(model.predict({images}))",
        f"print(model.predict_proba({images}).round(3))",
    ]
    return "\n".join(lines)


def onnx_program(path: str, data: Dataset) -> str:
    """A program without allconv."""
    kind = data.preprocess
    shape = (1, *kind.size, kind.channels)
    return "\n".join(
        [
            "import numpy as np",
            "import onnxruntime",
            "",
            f"session = onnxruntime.InferenceSession({path!r})",
            f"images = np.zeros({shape}, np.uint8)",
            "(logits,) = session.run(None, {session.get_inputs()[0].name: images})",
            "print(logits.argmax(1))",
        ]
    )


def _image(data: Dataset, source: str | None) -> str | None:
    """The path of an image of the data that can be typed, None where there is none."""
    part = data.validation if data.test is None else data.test
    if source is None or part.names is None:
        return None
    paths = (str(Path(source) / name) for name in part.names)
    return next((path for path in paths if printable(path) == path), None)


def _quoted(text: str) -> str:
    """An argument for a shell."""
    return printable(shlex.quote(text))
