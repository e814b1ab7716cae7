"""Records of epochs as JSON, which has no NaN and no infinity."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from allconv.train.checkpoint import (
    HISTORY,
    LAST,
    Checkpoint,
    Position,
    load_checkpoint,
    save_checkpoint,
)
from allconv.train.history import Record, best_epoch

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def refuse(text: str) -> None:
    """What a strict reader of JSON does."""
    raise ValueError(f"{text} is no JSON")


def strictly(text: str) -> object:
    """JSON as the standard has it."""
    return json.loads(text, parse_constant=refuse)


@st.composite
def drawn_records(draw: st.DrawFn) -> Record:
    """A record with numbers of all kinds, with or without a validation part."""
    validation = draw(st.one_of(st.just((None, None)), st.tuples(NUMBERS, st.floats(0, 1))))
    loss, accuracy, rate, *seconds = (draw(NUMBERS) for _ in range(6))
    return Record(draw(st.integers(1, 10**6)), loss, accuracy, *validation, rate, *seconds)


@given(drawn_records())
def test_any_record_is_strict_json_and_is_read_back(record):
    """Numbers come back to the bit, NaN and infinity as NaN, no validation as none."""
    text = record.to_json()
    found = asdict(Record.from_fields(strictly(text)))
    assert "\n" not in text
    for name, value in asdict(record).items():
        if value is not None and not math.isfinite(value):
            assert math.isnan(found[name])
        else:
            assert found[name] == value
            assert type(found[name]) is type(value)


def test_a_run_whose_loss_is_nan_is_kept_and_read_again(tmp_path):
    """Checkpoint and history are strict JSON; what is read has NaN where it was."""
    record = Record(1, math.nan, 0.5, math.inf, 0.25, 1e-3, 0.1, 0.2, 0.3)
    saved = Checkpoint(
        {"w": np.zeros(3)}, {}, Position(1), (record,), {"text": "", "digest": ""}, {"clip": None}
    )
    save_checkpoint(tmp_path, saved)
    raw = (tmp_path / LAST).read_bytes()
    header = strictly(raw[8 : 8 + int.from_bytes(raw[:8], "little")].decode())
    strictly(header["__metadata__"]["allconv"])
    (line,) = (tmp_path / HISTORY).read_text().splitlines()
    assert strictly(line)["loss"] is None
    (found,) = load_checkpoint(tmp_path).records
    assert math.isnan(found.loss)
    assert math.isnan(found.validation_loss)
    assert (found.epoch, found.accuracy, found.validation_accuracy) == (1, 0.5, 0.25)


def test_an_epoch_whose_loss_is_nan_is_not_the_best():
    """Of equal accuracies the one with a loss that is a number is best, whatever the order."""
    good = Record(1, 0.1, 0.5, 0.3, 0.25, 1e-3, 0.1, 0.2, 0.3)
    for losses, best in (
        ((math.nan, 2.0, 1.0), 3),
        ((2.0, math.nan, 3.0), 1),
        ((math.nan, 5.0), 2),
    ):
        records = [replace(good, epoch=n, validation_loss=x) for n, x in enumerate(losses, 1)]
        assert best_epoch(records) == best
