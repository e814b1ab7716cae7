"""Checkpoints: what is written is read again; what is damaged or of another network is refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from allconv import nn
from allconv.errors import ArgumentError, Error, FileError
from allconv.train import SGD, fit
from allconv.train.checkpoint import (
    BEST,
    HISTORY,
    LAST,
    Checkpoint,
    Position,
    load_checkpoint,
    save_checkpoint,
)
from allconv.train.history import Record
from tiers import slow

from .making import names, small_network, striped_part

SETTINGS = {"epochs": 2, "batch_size": 16, "optimizer": "nesterov", "learning_rate": 0.05}


def record(epoch: int) -> Record:
    """A record of an epoch."""
    return Record(epoch, 0.1 + 0.2, 0.5, 1 / 3, 0.25, 1e-3, 0.1, 0.2, 0.3)


def checkpoint() -> Checkpoint:
    """A checkpoint that holds a bit of everything."""
    rng = np.random.default_rng(0)
    state = {
        "0.weight": rng.standard_normal((2, 3)).astype(np.float32),
        "turned": rng.standard_normal((2, 3, 4)).transpose(2, 0, 1),
        "velocity/0.weight": np.zeros((2, 3), np.float32),
        "scalar": np.array(0.5),
    }
    position = Position(2, 3, 0.1 + 0.2, 5, 7, 1.5, 2.5)
    network = {"text": "a network", "digest": "0"}
    best = {"0.weight": np.ones((2, 3), np.float32)}
    return Checkpoint(state, best, position, (record(1), record(2)), network, {"seed": 1})


def test_all_comes_back(tmp_path):
    """Arrays to the bit (whatever their strides), position, records, settings."""
    saved = checkpoint()
    save_checkpoint(tmp_path, saved)
    loaded = load_checkpoint(tmp_path)
    for there, here in ((saved.state, loaded.state), (saved.best, loaded.best)):
        assert list(here) == sorted(there) or set(here) == set(there)
        for name, array in there.items():
            assert here[name].dtype == array.dtype
            np.testing.assert_array_equal(here[name], array, strict=True)
    assert (loaded.position, loaded.records) == (saved.position, saved.records)
    assert (loaded.network, loaded.settings) == (saved.network, saved.settings)
    lines = (tmp_path / HISTORY).read_text().splitlines()
    assert [Record.from_fields(json.loads(line)) for line in lines] == list(saved.records)


def test_others_can_read_the_best_weights(tmp_path):
    """best.safetensors holds the state dict by its names, as the network has it at the end."""
    net = small_network()
    fit(net, striped_part(), striped_part(18, 1), out=tmp_path / "run", **SETTINGS)
    found = load_file(tmp_path / "run" / BEST)
    assert set(found) == set(net.state_dict())
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.slow
@settings(max_examples=150)
@given(st.data())
def test_damage_is_noticed(tmp_path_factory, data):
    """Cut or changed anywhere, a checkpoint is refused by name, or is as it was (its padding)."""
    folder = tmp_path_factory.mktemp("damaged")
    save_checkpoint(folder, checkpoint())
    whole = (folder / LAST).read_bytes()
    where = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        broken = whole[:where]
    else:
        change = data.draw(st.integers(1, 255))
        broken = whole[:where] + bytes([whole[where] ^ change]) + whole[where + 1 :]
    (folder / LAST).write_bytes(broken)
    refusal, state = "", {}
    try:
        state = load_checkpoint(folder).state
    except FileError as error:
        refusal = str(error)
    if refusal:
        assert str(folder / LAST) in refusal
    else:
        assert set(state) == set(checkpoint().state)
    for name, array in state.items():
        np.testing.assert_array_equal(array, checkpoint().state[name], strict=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about: about.update(version=2), "not written by this version"),
        (lambda about: about.pop("position"), "its position is missing"),
        (lambda about: about.update(records="no"), "its records is missing"),
        (lambda about: about["position"].update(step=-1), "its position has step -1"),
        (lambda about: about["position"].update(seen="7"), "its position has seen '7'"),
        (lambda about: about["position"].update(other=1), "its position must have epoch"),
        (lambda about: about["position"].update(step=8), "has 8 steps on 7 labels"),
        (lambda about: about["position"].update(epoch=2**61), "of the epochs that it counts"),
        (lambda about: about["records"].pop(), "not of the epochs that it counts"),
        (lambda about: about["records"][0].pop("loss"), "a record of an epoch must have"),
        (lambda about: about["records"][0].update(loss="x"), "the loss of an epoch is 'x'"),
        (lambda about: about["records"][0].update(loss=10**400), "the loss of an epoch is 1000"),
        (lambda about: about["records"][0].update(rate=[1]), r"the rate of an epoch is \[1\]"),
        (lambda about: about["records"][0].update(epoch=True), "the epoch of an epoch is True"),
        (lambda about: about["records"][0].update(epoch=None), "the epoch of an epoch is None"),
        (lambda about: about.update(digest="0"), "do not match their checksum"),
    ],
)
def test_wrong_metadata_is_refused(tmp_path, change, message):
    """Metadata that is not as written is refused, with the file's name."""
    save_checkpoint(tmp_path, checkpoint())
    raw = (tmp_path / LAST).read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    about = json.loads(header["__metadata__"]["allconv"])
    change(about)
    arrays = load_file(tmp_path / LAST)
    save_file(arrays, tmp_path / LAST, {"allconv": json.dumps(about)})
    with pytest.raises(FileError, match=message) as caught:
        load_checkpoint(tmp_path)
    assert LAST in str(caught.value)


def test_strange_files_are_refused(tmp_path):
    """No file, a folder, a pipe, a device, and a safetensors file of something else."""
    with pytest.raises(FileError, match="no run to resume; start without resume"):
        load_checkpoint(tmp_path)
    (tmp_path / LAST).mkdir()
    with pytest.raises(FileError, match="is a folder, not a checkpoint"):
        load_checkpoint(tmp_path)
    (tmp_path / LAST).rmdir()
    os.mkfifo(tmp_path / LAST)
    with pytest.raises(FileError, match="is a pipe, not a checkpoint"):
        load_checkpoint(tmp_path)
    (tmp_path / LAST).unlink()
    (tmp_path / LAST).symlink_to("/dev/zero")
    with pytest.raises(FileError, match="is a device, not a checkpoint"):
        load_checkpoint(tmp_path)
    (tmp_path / LAST).unlink()
    save_file({"weight": np.zeros(3)}, tmp_path / LAST)
    with pytest.raises(FileError, match="not written by this version"):
        load_checkpoint(tmp_path)


def test_a_description_that_is_nested_too_deep_is_refused(tmp_path):
    """JSON of a hundred thousand brackets is a sentence, not an error of Python."""
    save_file({"w": np.zeros(3)}, tmp_path / LAST, {"allconv": "[" * 100_000})
    with pytest.raises(FileError, match="not a usable checkpoint: its description is nested"):
        load_checkpoint(tmp_path)


@pytest.fixture
def run(tmp_path):
    """The folder of a finished run."""
    fit(small_network(), striped_part(), out=tmp_path / "run", **SETTINGS)
    return tmp_path / "run"


def other_network() -> nn.Sequential:
    """A network whose arrays have the same names and shapes, but that computes something else."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (lambda: nn.networks.plain(1, (8, 8), 3), r"another network, Sequential for.* this one is"),
        (other_network, r"another network, Sequential for.* this one is Sequential for"),
        (lambda: small_network().astype(np.float64), "another network"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(run, net, message):
    """Both networks are named, and the network that was given keeps its weights."""
    net = net()
    before = dict(net.state_dict())
    with pytest.raises(FileError, match=message):
        fit(net, striped_part(), resume=run, **SETTINGS)
    assert all(net.state_dict()[name] is array for name, array in before.items())


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"optimizer": "adam"}, FileError, "has mean/0.bias as nothing, expected is float32"),
        ({"optimizer": SGD(0.8)}, ArgumentError, "with optimizer SGD.*, now it is SGD"),
        ({"batch_size": 8}, ArgumentError, "made with batch_size 16, now it is 8"),
        ({"learning_rate": 0.1}, ArgumentError, "made with learning_rate 0.05, now it is 0.1"),
        ({"seed": 3}, ArgumentError, "made with seed 0, now it is 3"),
        ({"schedule": "cosine"}, ArgumentError, "made with schedule OneCycle"),
    ],
)
def test_other_settings_are_refused(run, changed, error, message):
    """A run goes on with its own settings only; the sentence names the one that differs."""
    with pytest.raises(error, match=message):
        fit(small_network(), striped_part(), resume=run, **{**SETTINGS, **changed})


def test_other_data_is_refused(run):
    """Other images or labels are noticed."""
    with pytest.raises(ArgumentError, match="other training data"):
        fit(small_network(), striped_part(48, 5), resume=run, **SETTINGS)


def test_more_steps_than_an_epoch_has_are_refused(run):
    """A position beyond the end of an epoch is no place to go on from."""
    saved = load_checkpoint(run)
    position = replace(saved.position, step=99, seen=999)
    save_checkpoint(run, replace(saved, position=position))
    with pytest.raises(FileError, match="it is 99 steps into an epoch of 3; start without"):
        fit(small_network(), striped_part(), resume=run, **SETTINGS)


def test_a_run_is_not_overwritten(run):
    """A folder that holds a run is refused unless it is resumed."""
    before = (run / LAST).read_bytes()
    with pytest.raises(FileError, match="holds a run already"):
        fit(small_network(), striped_part(), out=run, **SETTINGS)
    assert (run / LAST).read_bytes() == before


def test_a_folder_that_cannot_be_written(tmp_path):
    """Where there can be no folder, nothing is trained."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot be written"):
        fit(small_network(), striped_part(), out=tmp_path / "file" / "run", **SETTINGS)
    assert names(tmp_path) == ["file"]


@slow
def test_a_fault_while_saving_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    """A disk that fills up in epoch 2 ends training with the path; epoch 1 can be resumed."""
    real, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) > limit:
            raise OSError(28, "No space left on device")
        real(handle)

    limit = 10**9
    monkeypatch.setattr(os, "fsync", fsync)
    whole = small_network()
    fit(whole, striped_part(), out=tmp_path / "whole", **SETTINGS)
    # three saves of two files, with their folders, and one history more at the beginning
    assert len(calls) == 3 * 4 + 2
    limit, begun = len(calls) + 6 + 4, len(calls)
    with pytest.raises(FileError, match=r"run/last.safetensors cannot be written.*free some space"):
        fit(small_network(), striped_part(), out=tmp_path / "run", **SETTINGS)
    assert len(calls) == begun + 6 + 4 + 1
    limit = 10**9
    assert load_checkpoint(tmp_path / "run").position == Position(1)
    resumed = small_network()
    fit(resumed, striped_part(), resume=tmp_path / "run", **SETTINGS)
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(resumed.state_dict()[name], array)
    assert names(tmp_path / "run") == [HISTORY, LAST]


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    """A rate that is far too high is told with what would do; the checkpoint is from before."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 3))
    with pytest.raises(Error, match="use a smaller learning_rate than 1e\\+30"):
        fit(
            net,
            striped_part(),
            epochs=3,
            optimizer="sgd",
            schedule="constant",
            learning_rate=1e30,
            out=tmp_path / "run",
        )
    state = load_checkpoint(tmp_path / "run").state
    assert all(np.isfinite(array).all() for array in state.values())
