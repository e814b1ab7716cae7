"""The images that come with the package: 10,000 + 2,000 of Fashion-MNIST (see embedded/NOTICE)."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from allconv.data.arrays import load_arrays
from allconv.data.dataset import Dataset
from allconv.data.idx import SHARES, read_stream
from allconv.data.load_options import LoadOptions

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_FOLDER = Path(__file__).parent / "embedded"
_LARGEST = 2**24


def load_embedded(options: LoadOptions) -> Dataset:
    """9,000 training, 1,000 validation and 2,000 test images, grey, 28 x 28, of ten classes.

    Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST", arXiv:1708.07747.
    """
    parts = {
        suffix: (_read(f"{name}-images-idx3-ubyte.xz"), _read(f"{name}-labels-idx1-ubyte.xz"))
        for suffix, name in (("", "train"), ("_test", "t10k"))
    }
    # Clothes may face either way, so these grey images are flipped, unlike characters.
    source = "the embedded Fashion-MNIST images"
    return load_arrays(source, parts, options, SHARES, CLASSES, flip=True)


def _read(name: str) -> npt.NDArray[np.uint8]:
    with lzma.open(_FOLDER / name) as file:
        return read_stream(cast(BinaryIO, file), _LARGEST, _LARGEST, exact=False)
