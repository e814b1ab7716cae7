"""Hostile arrays, labels, names and settings: an answer or one sentence, never anything raw."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allconv import data, nn
from allconv.errors import Error
from allconv.train import ImageClassifier, evaluate, fit

CALLS = 400
GRAY = np.random.default_rng(0).integers(0, 256, (12, 6, 5)).astype(np.uint8)
LABELS = np.arange(12) % 2
DTYPES = (
    *("u1", "i1", "u2", "i8", "u8", "f2", "f4", "f8", ">f8", ">u2", "g", "c8", "?", "O"),
    *("U3", "S3", "M8[s]", "m8[s]", "V4"),
)
VALUES = (0, 0.5, 1, 255, 256, -1, 65535, 2.0**63, np.nan, np.inf)
NAMES = ("", ".", "a\0b", "*.png", "x" * 300 + "*", "[", " ", "/dev/null", "~", "\x1b[2J", b"x")


def hostile_array(draw: random.Random) -> Any:
    """An array of any shape, dtype, values and make, some of them images."""
    shape = tuple(draw.choice((0, 1, 2, 3, 5, 12)) for _ in range(draw.randrange(6)))
    if draw.random() < 0.5:
        shape = draw.choice([(12, 6, 5), (12, 6, 5, 3), (12, 3, 6, 5), (6, 5, 3), (6, 5)])
    x = np.zeros(shape, draw.choice(DTYPES))
    if x.dtype.kind in "biufc":
        value = draw.choice(VALUES)
        with np.errstate(invalid="ignore", over="ignore"):
            x[...] = np.array(value).astype(x.dtype)
        x.flat[: x.size // 2] = 0
    make: Callable[[Any], Any] = draw.choice(
        [
            *(lambda x: x,) * 4,
            lambda x: x.tolist(),
            lambda x: np.ma.array(x, mask=np.arange(x.size).reshape(x.shape) % 2),
            lambda x: x.T,
            lambda x: [x, x[:1]] if x.ndim else [x],
            lambda x: np.repeat(x, 2, -1)[..., ::2] if x.ndim else x,
        ]
    )
    return make(x)


def hostile_labels(draw: random.Random) -> Any:
    """Labels of any kind, some of them right."""
    return draw.choice(
        [
            *(LABELS,) * 6,
            *(np.array(["a", "b"])[LABELS], LABELS.astype(float), LABELS[:, None], LABELS[:-1]),
            *(np.eye(2)[LABELS], LABELS.astype(np.uint64) + 2**63, LABELS > 0, LABELS * 0),
            *([None] * 12, ["a", 1] * 6, [b"a", "b"] * 6, ["\ud800", "b"] * 6, [[1], [1, 2]]),
            *("abc", 5, None, {1: 2}, {"a"}, [True, 2] * 6, [2**70, 1] * 6, [np.nan, 1] * 6),
        ]
    )


def hostile_source(draw: random.Random) -> Any:
    """What is no source of images, or hardly one."""
    others = (None, [], {}, 3, ["a", "b"], ("a", 1), [1, 2], (1, 2), [None], print, range(4))
    return draw.choice([*NAMES, *others])


@pytest.fixture(scope="module")
def classifiers() -> list[ImageClassifier]:
    return [
        ImageClassifier("plain", epochs=1).fit(x, y)
        for x, y in (
            (GRAY, LABELS),
            (GRAY / 255, LABELS > 0),
            (np.stack([GRAY] * 3, -1), np.array(["a", "b"])[LABELS]),
        )
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_hostile_calls(classifiers, seed, tmp_path, monkeypatch):
    """Every call ends in a value or in an error of ours that is one printable line."""
    monkeypatch.chdir(tmp_path)
    draw = random.Random(seed)  # noqa: S311 (nothing secret is drawn)
    print("seed", seed)

    def x() -> Any:
        return hostile_array(draw)

    def y() -> Any:
        return hostile_labels(draw)

    def source() -> Any:
        return hostile_source(draw)

    def net() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(30, 2)).initialize(0)

    sizes = (None, 3, (2, 3), 0, True, "8", 1e3, (3,), 2**70, -1, np.int8(5))
    counts = (None, 2, 0, True, "a", 2**70, 1.5, np.int64(4))
    seeds = (0, -1, 2**64, 1.5, "a", None, np.int64(3))
    shares = (None, 0.1, 0, 1, -1, "a", np.nan, True, np.float32(0.2))
    calls: list[Callable[[ImageClassifier], Any]] = [
        lambda _: data.load((x(), y())),
        lambda _: data.load(source()),
        lambda _: data.load((GRAY, LABELS), validation=(x(), y())),
        lambda _: data.load(
            (GRAY, LABELS),
            image_size=draw.choice(sizes),
            samples=draw.choice(counts),
            seed=draw.choice(seeds),
            validation=draw.choice(shares),
        ),
        lambda _: ImageClassifier("plain", epochs=1, batch_size=4).fit(x(), y()),
        lambda _: ImageClassifier("plain", epochs=1).fit(source(), draw.choice([None, LABELS])),
        lambda c: c.predict(x()),
        lambda c: c.predict(source()),
        lambda c: c.score(x(), y()),
        lambda c: c.score(GRAY, y()),
        lambda c: evaluate(c.network_, (x(), y()), preprocess=c.preprocess_),
        lambda _: fit(net(), (x(), y()), epochs=1),
        lambda _: data.Part(x(), y()),
        lambda _: data.Preprocess.from_training(x()),
        lambda c: c.preprocess_.apply(x()),
        lambda c: c.save(draw.choice((None, 3, b"x", "", "a\0b", "/none/x.onnx", "x" * 5000))),
    ]
    values, messages = 0, []
    for _ in range(CALLS):
        try:
            draw.choice(calls)(draw.choice(classifiers))
        except Error as error:
            messages.append(str(error))
        else:
            values += 1
    assert min(values, len(messages)) > 10
    assert all(message.isprintable() for message in messages)
