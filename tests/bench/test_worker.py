"""Workers: what they answer, and what becomes of engines that fail, die or hang."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from allconv.bench.engines import OURS
from allconv.bench.process import WorkerError, WorkerProcess
from allconv.bench.turns import Measured, Pace, measure
from allconv.bench.worker import serve
from tiers import slow

from .making import fake_engine

QUICK = Pace(rounds=4, seconds=0.0, warm=0.0, silence=0.5, least_calls=2)


def answers_to(*messages: dict[str, object]) -> list[dict[str, object]]:
    """What a worker in this process answers."""
    out = io.StringIO()
    serve(io.StringIO("".join(json.dumps(each) + "\n" for each in messages)), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def prepared(**told: object) -> dict[str, object]:
    """The message that has the fake engine make a workload ready."""
    module = f"{__package__}.fake_engine"
    return {"do": "prepare", "engine": module, "variant": "a", "threads": 3, "workload": told}


@slow
def test_a_worker_answers_every_message(tmp_path: Path) -> None:
    """In order, with a line each, and only as long as it is not told to end."""
    path = tmp_path / "y.npz"
    ready, warm, block, results, profile, end = answers_to(
        prepared(),
        {"do": "warm", "seconds": 0.0},
        {"do": "block", "calls": 4, "dropped": 2},
        {"do": "results", "path": str(path)},
        {"do": "profile", "repeats": 6},
        {"do": "end"},
        {"do": "block", "calls": 1, "dropped": 0},
    )
    assert all(each["ok"] for each in (ready, warm, block, results, profile, end))
    assert ready["settings"] == "a, 3"
    assert ready["load"] >= 0
    assert set(warm) == {"ok", "first", "usual"}
    assert len(block["times"]) == 4
    assert profile["rows"] == [{"n": 6}]
    with np.load(path, allow_pickle=False) as file:
        # Two calls to warm up, two dropped, four timed: the next number is 8.
        assert file["y0"].tolist() == [8.0, 8.0]
        assert file["y1"].shape == (2, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([prepared(fail={"a": "prepare"})], "no translation here"),
        ([prepared(fail={"a": "raise"}), {"do": "block", "calls": 1, "dropped": 0}],
         "MemoryError: too large"),
        ([{"do": "warm", "seconds": 0.0}], "AttributeError"),
        ([{"do": "dance"}], "KeyError"),
        ([prepared() | {"engine": "no.such.module"}], "ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_a_worker_goes_on_after_what_it_cannot_do(
    messages: list[dict[str, object]], says: str
) -> None:
    """One line says what went wrong, and the next message is answered."""
    *_, failed, after, block = answers_to(
        *messages, prepared(), {"do": "block", "calls": 1, "dropped": 0}
    )
    assert not failed["ok"]
    assert says in failed["error"]
    assert "\n" not in failed["error"]
    assert after["ok"]
    assert len(block["times"]) == 1


def test_a_process_answers_though_its_engine_prints(tmp_path: Path) -> None:
    """What an engine prints does not get among the answers."""
    with WorkerProcess(fake_engine("a"), 2) as worker:
        assert worker.prepare({})["settings"] == "a, 2"
        assert len(worker.ask("block", calls=3, dropped=1)["times"]) == 3
        assert worker.ask("memory")["most"] >= worker.ask("memory")["now"] > 2**20
        assert worker.prepare({})["settings"] == "a, 2"


def test_a_process_that_dies_says_how() -> None:
    """Its status and last words; asked again it is another process."""
    with WorkerProcess(fake_engine("a"), 1) as worker:
        worker.prepare({"fail": {"a": "die"}})
        with pytest.raises(WorkerError, match=r"exit status 7: out of luck"):
            worker.ask("block", calls=9, dropped=0)
        assert worker.prepare({})["settings"] == "a, 1"
        os.kill(worker.process_id, signal.SIGKILL)
        with pytest.raises(WorkerError, match="signal 9"):
            worker.ask("block", calls=1, dropped=0)


def test_a_process_that_hangs_is_ended() -> None:
    """After the time an answer may take."""
    with WorkerProcess(fake_engine("a"), 1, timeout=60) as worker:
        worker.prepare({"fail": {"a": "hang"}})
        number = worker.process_id
        worker.timeout = 0.2
        with pytest.raises(WorkerError, match=r"no answer within 0\.2 s"):
            worker.ask("block", calls=9, dropped=0)
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_a_process_ends_with_the_one_who_started_it() -> None:
    """Nobody tells it to: its standard input is closed, as when a parent is killed."""
    worker = WorkerProcess(fake_engine("a"), 1)
    worker.prepare({})
    process = worker._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    worker.end()


def test_ctrl_c_is_not_for_workers() -> None:
    """The terminal sends it to all; the parent decides."""
    with WorkerProcess(fake_engine("a"), 1) as worker:
        worker.prepare({})
        os.kill(worker.process_id, signal.SIGINT)
        assert worker.prepare({})["settings"] == "a, 1"


def measured(told: dict[str, object], folder: Path, slept: list[float]) -> Measured:
    """Three engines in turn, ours among them."""
    workers = [WorkerProcess(fake_engine(name), 1) for name in (OURS, "b", "c")]
    try:
        return measure(workers, told, folder, QUICK, slept.append)
    finally:
        for worker in workers:
            worker.end()


@slow
def test_engines_take_turns_with_silence_before_each(tmp_path: Path) -> None:
    """A block an engine and round; what was dropped is not among the times."""
    slept: list[float] = []
    found = measured({}, tmp_path, slept)
    assert slept == [QUICK.silence] * 3 * QUICK.rounds
    assert {name: t.calls for name, t in found.timings.items()} == dict.fromkeys(
        (OURS, "b", "c"), QUICK.rounds * QUICK.block(1e-9)[0]
    )
    assert found.failures == {}
    assert found.settings == {name: f"{name}, 1" for name in (OURS, "b", "c")}
    assert found.differences == {"b": 0.0, "c": 0.0}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("fail", ["prepare", "die", "raise", "nan"])
def test_one_engine_that_fails_leaves_the_others_alone(fail: str, tmp_path: Path) -> None:
    """Its failure is said, and the others are measured to the end."""
    found = measured({"fail": {"b": fail}}, tmp_path, [])
    assert set(found.failures) == {"b"}
    assert set(found.timings) == {OURS, "c"}
    assert set(found.differences) == {"c"}


@pytest.mark.slow
def test_without_us_there_is_nothing_to_compare(tmp_path: Path) -> None:
    """Peers are timed all the same."""
    found = measured({"fail": {OURS: "prepare"}}, tmp_path, [])
    assert set(found.timings) == {"b", "c"}
    assert found.differences == {}
    assert found.failures == {OURS: "no translation here"}


@pytest.mark.slow
def test_blocks_begin_with_another_engine_each_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that none always follows the same one."""
    asked: list[str] = []
    ask = WorkerProcess.ask

    def noted(self: WorkerProcess, do: str, **settings: object) -> dict[str, object]:
        if do == "block":
            asked.append(self.engine.name)
        return ask(self, do, **settings)

    monkeypatch.setattr(WorkerProcess, "ask", noted)
    measured({}, tmp_path, [])
    rounds = [asked[n : n + 3] for n in range(0, len(asked), 3)]
    assert [each[0] for each in rounds] == [OURS, "b", "c", OURS]
    assert all(sorted(each) == sorted([OURS, "b", "c"]) for each in rounds)


def test_the_length_of_a_block_follows_the_call() -> None:
    """As many calls as fit, within bounds; slow ones are not repeated for nothing."""
    pace = Pace(seconds=1.0, least_calls=3, most_calls=50)
    assert [pace.block(usual) for usual in (1e-9, 0.1, 0.11, 1e9)] == [
        (50, 3), (10, 3), (9, 1), (3, 1),
    ]  # fmt: skip
