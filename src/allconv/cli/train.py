"""`allconv train`: a classifier from labelled images."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allconv.cli import settings
from allconv.cli.failures import Misuse
from allconv.cli.group import command as make
from allconv.cli.output import Screen, screen
from allconv.cli.source import load_data
from allconv.text import counted, percent, printable

if TYPE_CHECKING:
    from allconv.data import Dataset
    from allconv.nn import Module
    from allconv.train import History, Optimizer
    from allconv.train.recipe import Recipe

MODEL = "model.onnx"
MISTAKES = "mistakes.csv"
REPORT = "report.html"
TENTH = 10
"""Epochs of a head alone have a line where they are better than before, and each tenth."""
WITHOUT_INTERVAL = 400  # images from which on an accuracy is told without its interval


@make(
    "train",
    "allconv train                       # on the bundled images (Fashion-MNIST)",
    "allconv train photos/               # photos/cats/1.jpg, photos/dogs/7.png, ...",
    "allconv train photos/ --epochs 30 --patience 5 --image-size 64 --out garden",
    "allconv train mnist/                # a folder of IDX files, or an .npz of x and y",
    "allconv train photos/ --from run               # go on: more images, other classes",
    "allconv train photos/ --from resnet18.onnx --preset imagenet      # or from another's",
    "allconv train --resume run          # go on where Ctrl-C, or worse, ended it",
)
@click.argument("data", required=False, type=settings.DATA)
@click.option("--model", type=settings.NETWORK, default="convnet", show_default=True)
@click.option("--epochs", type=settings.COUNT, help="[default: 8, more where there are few images]")
@click.option(
    "--batch-size", type=settings.COUNT, help="[default: 64, fewer where there are few images]"
)
@click.option(
    "--lr", type=settings.Real(0, is_open=True),
    help="The largest learning rate.  [default: what suits the optimizer]",
)  # fmt: skip
@click.option("--optimizer", cls=settings.OfRecipe, type=settings.OPTIMIZER)
@click.option(
    "--schedule", cls=settings.OfRecipe, type=settings.SCHEDULE,
    help="How the learning rate changes.",
)  # fmt: skip
@click.option("--weight-decay", type=settings.Real(0), help="[default: the optimizer's]")
@click.option("--label-smoothing", cls=settings.OfRecipe, type=settings.Real(0, below=1))
@click.option(
    "--clip", cls=settings.OfRecipe, type=settings.Real(0),
    help="The largest norm of the gradients; 0: any.",
)  # fmt: skip
@click.option(
    "--patience", type=settings.COUNT,
    help="Stop after so many epochs that are no better than the best.",
)  # fmt: skip
@click.option(
    "--augment/--no-augment", default=True, show_default=True,
    help="Change the training images at random: shift, and flip where that suits.",
)  # fmt: skip
@click.option(
    "--from", "base", type=settings.BASE, metavar="MODEL|RUN",
    help="Begin from this network: a new last layer, the others stay as they are.",
)  # fmt: skip
@click.option(
    "--unfreeze", is_flag=True, help="With --from: train all layers, the lower ones slower."
)
@settings.foreign_options
@settings.data_options
@click.option("--threads", type=settings.THREADS, help="[default: all processors]")
@click.option(
    "--out", type=settings.RUN, default="run", show_default=True,
    help="The folder for the result; DIR-2 and so on where it holds something already.",
)  # fmt: skip
@click.option(
    "--resume", type=settings.RUN, help="Go on with the run in this folder, with its options."
)
@click.pass_context
def command(
    ctx: click.Context, /, out: str, resume: str | None, threads: int | None, **options: Any
) -> None:
    """Train a classifier of images on DATA.

    DATA is a folder with a folder of images for each class, and perhaps train/, val/ and test/
    above these. It may also be a folder of IDX files or an .npz file of x and y; without it,
    the bundled images are used. Writes DIR/model.onnx, which holds the network, the names
    of the classes and how images are prepared, and DIR/report.html, which shows how the training
    went and which images are taken for what.
    """
    from allconv.cli.options import resumed_options
    from allconv.cli.runs import new_run, resumed_run

    if resume is not None:
        if ctx.get_parameter_source("out") is click.core.ParameterSource.COMMANDLINE:
            raise Misuse("--out and --resume do not go together; the run keeps its folder")
        options = resumed_options(ctx, resume, options)
    if resume is None:
        _check_base(ctx, options)
    base = None
    if options["base"] is not None:
        from allconv.cli.base import based, begin_from

        base = begin_from(options)
    with screen() as shown:
        data = load_data(shown, options, None if base is None else base.channels)
        if base is None:
            net = _network(data, options)
        else:
            net, data = based(shown, base, data, options)
        run = (
            new_run(Path(out), _kept(options))
            if resume is None
            else resumed_run(Path(resume), options["data"])
        )
        recipe = _recipe(net, data, options)
        with run as folder:
            training = Training(shown, options, net, data, recipe, folder, threads)
            training.finish(training.fit(None if resume is None else folder))


def _kept(options: dict[str, Any]) -> dict[str, Any]:
    """The options as a run keeps them: the data is found from any folder."""
    places = {name: options[name] for name in ("data", "base") if options[name] is not None}
    return {**options, **{name: str(Path(each).absolute()) for name, each in places.items()}}


def _check_base(ctx: click.Context, options: dict[str, Any]) -> None:
    """Refuse options that need --from where it is not given, and those that it replaces."""
    given = options["base"] is not None
    if given and ctx.get_parameter_source("model") is click.core.ParameterSource.COMMANDLINE:
        raise Misuse("--model and --from do not go together; the file is the network")
    for name in ("unfreeze", "preset", "layout", "mean", "std"):
        if options[name] and not given:
            raise Misuse(f"--{name} is for a network to begin from; give --from, too")


def _network(data: Dataset, options: dict[str, Any]) -> Module:
    from allconv.errors import ShapeError
    from allconv.nn import networks

    kind = data.preprocess
    try:
        net = networks.build(options["model"], kind.channels, kind.size, len(data.classes))
    except ShapeError as error:
        if options["image_size"] is None:
            raise ShapeError(f"{error}; give a larger --image-size, or another --model") from None
        raise Misuse(f"--image-size is {kind.height}x{kind.width}: {error}") from None
    return net.initialize(options["seed"])


def _recipe(net: Any, data: Dataset, options: dict[str, Any]) -> Recipe:
    from allconv.train.recipe import Recipe, default_length
    from allconv.train.tune import tuning_defaults

    given = {"epochs": options["epochs"], "batch_size": options["batch_size"]}
    main = {"optimizer": _optimizer(options), "learning_rate": options["lr"]}
    if options["base"] is not None:
        main = tuning_defaults(net, data, unfreeze=options["unfreeze"], **given, **main)
    else:
        epochs, batch = default_length(len(data.train), **given)
        main = {**main, "epochs": epochs, "batch_size": batch}
    return Recipe(
        **main,
        schedule=options["schedule"],
        label_smoothing=options["label_smoothing"],
        clip=options["clip"] or None,
        early_stopping=options["patience"],
        augment="default" if options["augment"] else None,
        seed=options["seed"],
    )


def _optimizer(options: dict[str, Any]) -> Optimizer:
    from allconv.train.optimizers import find_optimizer

    found = find_optimizer(options["optimizer"])
    if options["weight_decay"] is None:
        return found
    return replace(found, weight_decay=options["weight_decay"])  # type: ignore[call-arg]  # all of the command's have it


def _doubt(accuracy: float, count: int) -> str:
    """How far chance may have moved an accuracy on so few images: half of its 95 % interval."""
    if count >= WITHOUT_INTERVAL:
        return ""
    from allconv.train.evaluate import interval

    low, high = interval(round(accuracy * count), count)
    return f" (+-{percent((high - low) / 2)}, 95 % interval)"


def _parameters(net: Module) -> str:
    return f"{sum(array.size for array in net.parameters().values()):,}"


@dataclass(frozen=True, eq=False)
class Training:
    """A network about to be trained: on what, by which recipe, and where everything goes."""

    shown: Screen
    options: dict[str, Any]
    net: Any
    data: Dataset
    recipe: Recipe
    folder: Path
    threads: int | None

    @property
    def name(self) -> str:
        """What the network is called."""
        base = self.options["base"]
        return str(self.options["model"]) if base is None else f"on {printable(base)}"

    def fit(self, resume: Path | None) -> History:
        """Train it, or go on with a run."""
        from allconv.cli.epochs import EpochLines
        from allconv.train.loop import train

        options, net, recipe = self.options, self.net, self.recipe
        is_head = options["base"] is not None and not options["unfreeze"]
        what, count = self.name, _parameters(net)
        if is_head:
            what, count = "the last layer", f"{_parameters(net.head)} of {count}"
        epochs = counted(recipe.epochs, "epoch")
        steps = counted(-(-len(self.data.train) // recipe.batch_size), "step")
        self.shown.line(
            f"training {what}, {count} parameters, for {epochs} of {steps}; "
            f"everything goes to {self.folder}"
        )
        callbacks = [EpochLines(self.shown, every=TENTH if is_head else 1)]
        settings: dict[str, Any] = {"threads": self.threads, "out": self.folder}
        settings |= {"resume": resume, "callbacks": callbacks}
        if options["base"] is None:
            return train(net, self.data, None, recipe, **settings)
        from allconv.cli.base import tuned

        return tuned(self.shown, net, self.data, recipe, unfreeze=options["unfreeze"], **settings)

    def finish(self, history: History) -> None:
        """Write the model, the mistakes and the report; say how good it is, and what to do next."""
        from allconv import onnx
        from allconv.cli.results import class_lines, confusion_line, save_mistakes, save_report
        from allconv.show.report.run import TrainedRun
        from allconv.show.report.samples import Samples
        from allconv.train import evaluate

        shown, folder, kind = self.shown, self.folder, self.data.preprocess
        classes = self.data.classes
        onnx.save(self.net, folder / MODEL, (None, *kind.shape), classes=classes, preprocess=kind)
        found, part, name = history.test, self.data.test, "test"
        if found is None or part is None:
            part, name = self.data.validation, "validation"
            found = evaluate(self.net, part, preprocess=kind, threads=self.threads)
        for line in class_lines(found, classes):
            shown.line(line)
        shown.line(confusion_line(found, classes))
        count = save_mistakes(folder / MISTAKES, found, classes, part.names)
        why = " (stopped early)" if history.stopped else ""
        shown.line(
            f"{name} accuracy {percent(found.accuracy)} of {len(part):,} images"
            f"{_doubt(found.accuracy, len(part))}, with the weights of "
            f"epoch {history.best_epoch} of {len(history.records)}{why}"
        )
        wrong = f"; {folder / MISTAKES} lists the {count:,} that it gets wrong" if count else ""
        shown.line(f"result: {folder / MODEL}{wrong}")
        about = TrainedRun(
            self.name, self.net, self.data, self.recipe, history,
            Samples(part, found, classes, name), folder, MODEL, self.options["data"],
        )  # fmt: skip
        shown.line(save_report(folder / REPORT, about))
        shown.line(f"next: allconv predict {shlex.quote(str(folder / MODEL))} IMAGE_OR_FOLDER")
