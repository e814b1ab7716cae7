"""`allconv bench`: speed and memory beside other engines, on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allconv.cli import settings
from allconv.cli.failures import Misuse
from allconv.cli.group import command as make
from allconv.cli.output import Screen, screen
from allconv.text import table

if TYPE_CHECKING:
    from allconv.bench.engines import Engine
    from allconv.bench.results import Results, WorkloadResult
    from allconv.bench.suites import Request
    from allconv.bench.workload import Workload

MOST_ROUNDS, MOST_BATCH = 1000, 4096
SUITES = "layers, networks, training, startup, memory"


class Counts(settings.Setting):
    """Whole numbers with commas between them, each once."""

    name = "numbers"

    def __init__(self, most: int) -> None:
        self.most = most

    def read(self, text: str) -> tuple[int, ...] | None:
        known = settings.as_integers(text, ",", 1, self.most)
        return None if known is None else tuple(dict.fromkeys(known))

    def refusal(self, value: Any, param: click.Parameter | None) -> Misuse:
        return Misuse(
            f"{settings.shown_name(param)} is {value}; whole numbers from 1 to {self.most} with "
            "commas between them are expected, as in 1,2"
        )


@make(
    "bench",
    "allconv bench model.onnx                    # a network of yours beside the peers",
    "allconv bench model.onnx --profile          # and where its time goes",
    "allconv bench layers --threads 1,2 --json layers.json",
    "allconv bench networks --only resnet --peers onnxruntime,openvino",
    "allconv bench networks --batch 1,16 --rounds 3",
)
@click.argument("what", metavar="MODEL|SUITE")
@click.option("--threads", type=Counts(settings.MOST_THREADS), help="[default: 1 and all]")
@click.option(
    "--peers", default="torch,onnxruntime,openvino", show_default=True, metavar="NAMES",
    help="Engines to compare with, or none.",
)  # fmt: skip
@click.option("--json", "out", metavar="FILE", help="Write the results there, as they come.")
@click.option("--only", metavar="TEXT", help="Measure what has this text in its name.")
@click.option("--rounds", type=settings.Whole(1, MOST_ROUNDS), help="Turns of each engine.")
@click.option(
    "--batch", type=Counts(MOST_BATCH), default="1", show_default=True,
    help="Images at once, of the suite networks and of MODEL.",
)  # fmt: skip
@click.option("--size", type=settings.Size(), help="Of the images, for a MODEL that takes any.")
@click.option(
    "--compiled/--no-compiled", default=None,
    help="PyTorch compiled, too, which takes its time.  [default: not in layers and memory]",
)  # fmt: skip
@click.option("--profile", is_flag=True, help="Show where the time of our runs goes, step by step.")
def command(what: str, out: str | None, **options: Any) -> None:
    """Measure speed and memory beside other engines.

    MODEL is an .onnx file; SUITE is one of layers, networks, training, startup and memory. Each
    engine runs in a process of its own; blocks of calls take turns, with silence before each. The
    peers are PyTorch, ONNX Runtime and OpenVINO, as far as they are installed:
    pip install 'allconv[bench]' installs them all. Nothing else should run meanwhile.
    """
    from allconv.bench.results import Results
    from allconv.bench.suites import run

    with screen() as shown:
        request = _request(what, options)
        results = Results.begin(request.suite)
        for engine in request.missing:
            shown.line(f"{engine.title} is not installed: pip install {engine.package}")
        if out is not None:
            results.save(out)  # what cannot be written is told now, not in an hour
        try:
            run(request, results, _Shown(shown, out))
        except KeyboardInterrupt:
            kept = f"; what was measured is in {out}" if out else ""
            raise KeyboardInterrupt(f"stopped{kept}") from None
        finally:
            shown.hide()
            _tell(shown, results, out)


def _request(what: str, options: dict[str, Any]) -> Request:
    """What is asked for, checked."""
    from allconv.bench.suites import LAYERS, MEMORY, MODEL, NAMES, NETWORKS, STARTUP, Request
    from allconv.engine.threads import available_cpus

    suite = what if what in NAMES else MODEL
    if suite not in (NETWORKS, MODEL) and options["batch"] != (1,):
        raise Misuse(f"--batch is for the suite networks and for files; {what} has its own")
    if suite != MODEL and options["size"] is not None:
        raise Misuse(f"--size is for files; {what} has its own")
    if suite in (STARTUP, MEMORY) and options["profile"]:
        raise Misuse(f"--profile is for what is timed call by call; {what} is not")
    if suite == MODEL and options["only"] is not None:
        raise Misuse("--only is for suites; leave it out")
    compiled = options["compiled"]
    if compiled is None:
        compiled = suite not in (LAYERS, MEMORY)
    peers, missing = _peers(options["peers"], compiled)
    threads = options["threads"] or tuple(dict.fromkeys((1, available_cpus())))
    request = Request(
        suite, threads, peers, missing,
        models=_models(what, options) if suite == MODEL else (),
        batches=options["batch"], words=options["only"], rounds=options["rounds"],
        profile=options["profile"],
    )  # fmt: skip
    if not request.workloads():
        raise Misuse(f"--only is {options['only']}; nothing in {what} has that in its name")
    return request


def _peers(names: str, compiled: bool) -> tuple[tuple[Engine, ...], tuple[Engine, ...]]:
    """The peers that are installed, and one of each package that is not."""
    from allconv.bench.engines import peers_of
    from allconv.errors import ArgumentError

    packages = [] if names == "none" else [each.strip() for each in names.split(",")]
    try:
        asked = peers_of(packages, compiled=compiled)
    except ArgumentError as error:
        raise Misuse(f"--peers is {names}: {error}") from None
    there = tuple(engine for engine in asked if engine.is_installed)
    missing = {engine.package: engine for engine in reversed(asked) if not engine.is_installed}
    return there, tuple(missing.values())


def _models(what: str, options: dict[str, Any]) -> tuple[Workload, ...]:
    """The workload of a file for each batch: what it takes is found out now."""
    from allconv import onnx
    from allconv.bench.workload import NETWORK, Workload
    from allconv.cli.model_shape import image_shape

    path = Path(what)
    if not path.exists() and path.suffix != ".onnx":
        raise Misuse(
            f"{what} is neither a suite nor a file; an .onnx file, or one of {SUITES} is expected"
        )
    net = onnx.load(path)
    shape = image_shape(net, what, options["size"])
    given = net.model.inputs[0].shape
    fixed = given[0] if given else None
    made = []
    for batch in options["batch"]:
        if fixed is not None and batch != fixed and options["batch"] != (1,):
            raise Misuse(f"{what} takes batches of {fixed} and no other; leave --batch out")
        sizes = [fixed or batch, *shape[1:]]
        dtype = net.model.inputs[0].dtype
        source = {"file": str(path.absolute()), "shape": sizes, "dtype": dtype}
        cost = net.summary(tuple(sizes)).multiply_adds
        made.append(Workload(path.name, f"batch {sizes[0]}", NETWORK, source, multiply_adds=cost))
    return tuple(made)


class _Shown:
    """Tells a screen how far a run is, and writes what it finds."""

    def __init__(self, shown: Screen, out: str | None) -> None:
        self._shown, self._out = shown, out

    def progress(self, done: int, total: int, what: str) -> None:
        """Move the bar."""
        self._shown.show(what, done, total)

    def found(self, rows: Sequence[WorkloadResult], results: Results) -> None:
        """Write what there is so far, and say what is new."""
        from allconv.bench.tables import row_line

        if self._out is not None:
            results.save(self._out)
        for row in rows:
            self._shown.line(row_line(row))


def _tell(shown: Screen, results: Results, out: str | None) -> None:
    """All tables, as far as there is something in them."""
    from allconv.bench.tables import head_lines, tables

    if not results.rows:
        return
    for line in ["", *head_lines(results)]:
        shown.line(line)
    for each in tables(results):
        for line in ["", each.title, *table([each.head, *each.rows], left=each.left), *each.notes]:
            shown.line(line)
    if out is not None:
        shown.line()
        shown.line(f"result: {out}")
