"""What `allconv explain` shows, from what is asked: the network, the image, what was computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from allconv.cli.failures import Misuse
from allconv.cli.model_shape import is_by_name, named_network, shown_shape
from allconv.cli.output import Screen
from allconv.errors import Error, UnsupportedError
from allconv.text import encodable, printable

if TYPE_CHECKING:
    from allconv.data import Preprocess
    from allconv.nn import Module
    from allconv.onnx import OnnxModule
    from allconv.show.network.page import Subject
    from allconv.show.network.record import RunnableNetwork
    from allconv.show.network.values import Photo

REPEATS = 5  # of a profile
RANDOM = "Its weights are random: what it says of an image means nothing."


@dataclass(frozen=True)
class Asked:
    """The options of the command, as it has them."""

    model: str
    image: str | None
    beside: str | None
    size: tuple[int, int] | None
    channels: int | None
    classes: int | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    maps: int
    profile: bool
    full: bool
    pixel_limit: int


def explained(shown: Screen, asked: Asked) -> str:
    """The page as text."""
    from allconv.show.network.page import page

    subject = _subject(shown, asked)
    if asked.beside is not None:
        other = _subject(shown, replace(asked, model=asked.beside, beside=None))
        subject = replace(subject, beside=other)
    shown.show("writing the page", 0, None)
    return page(subject, asked.maps, full=asked.full)


def _subject(shown: Screen, asked: Asked) -> Subject:
    if asked.image is None and (asked.mean or asked.std):
        raise Misuse("--mean and --std prepare an image; give --image, or leave them out")
    return (_named if is_by_name(asked.model, asked.classes) else _file)(shown, asked)


def _named(shown: Screen, asked: Asked) -> Subject:
    from allconv.data import Preprocess

    if asked.image is not None and asked.channels not in (None, 1, 3):
        raise Misuse(f"--channels is {asked.channels}; an image has 1 (grey) or 3 (colour)")
    net, shape = named_network(asked.model, asked.size, asked.channels, asked.classes)
    _, channels, height, width = shape
    mean, std = asked.mean or (0.5,) * channels, asked.std or (0.25,) * channels
    if len(mean) != channels or len(std) != channels:
        raise Misuse(f"the network takes {channels} channels; give --mean and --std one each")
    prepared = Preprocess(height, width, channels, mean, std) if asked.image else None
    remark = f"It is drawn for {_colours(channels)} images of {height} x {width}"
    if asked.size is None or asked.channels is None:
        remark += "; --size and --channels choose others"
    random = RANDOM if asked.image else "Its weights are random."
    run = _recorded(asked, net, shape)
    return _shown_run(shown, asked, net, run, prepared, f"{remark}. {random}")


def _colours(channels: int) -> str:
    return {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")


def _file(shown: Screen, asked: Asked) -> Subject:
    """A file that can run; else one that is drawn with the reason."""
    from allconv.cli.model_shape import check_channels, image_shape
    from allconv.onnx import load

    shown.show("reading the network", 0, None)
    try:
        net = load(asked.model)
        check_channels(net, asked.model, asked.channels)
        _check_batch(net, asked.model)
        shape = image_shape(net, asked.model, asked.size, asked.channels)
        run = _recorded(asked, net, shape)
    except Error as error:
        if isinstance(error, Misuse):
            raise
        return _drawn(shown, asked, error)
    prepared = _preparation(net, asked, shape) if asked.image is not None else None
    return _shown_run(shown, asked, net, run, prepared, "")


def _check_batch(net: OnnxModule, model: str) -> None:
    """UnsupportedError for a file that takes one input which is not a batch, or not one of 1."""
    inputs = net.model.inputs
    if len(inputs) != 1 or inputs[0].shape is None or inputs[0].shape[:1] in ((1,), (None,)):
        return
    (first,) = inputs
    raise UnsupportedError(
        f"{printable(model)} takes {shown_shape(first.shape or ())}, which is not a batch of one "
        "image; export it with a batch of any size"
    )


def _drawn(shown: Screen, asked: Asked, error: Error) -> Subject:
    """A file that cannot run, as far as it can be read; else the error."""
    from allconv.show.network.page import Subject
    from allconv.show.network.read import network_of_file, read_messages

    try:
        proto = read_messages(asked.model)
    except Error:
        raise error from None
    why = str(error).removeprefix(f"{printable(asked.model)}: ")
    if asked.image is not None:
        raise type(error)(f"{error}; without --image it is drawn") from None
    shown.line(f"it cannot run here, so it is only drawn: {why}")
    return Subject(network_of_file(proto, _title(asked.model), why))


def _title(model: str) -> str:
    return encodable(Path(model).name)


def _preparation(net: OnnxModule, asked: Asked, shape: tuple[int, ...]) -> Preprocess:
    from allconv.cli.reader import preparation

    if len(shape) != 4:
        raise UnsupportedError(f"{asked.model} takes {shape}, no image; leave --image out")
    preset = None if asked.mean is None or asked.std is None else (asked.mean, asked.std)
    return preparation(net, asked.model, preset, asked.size, "nchw")[0]


def _recorded(asked: Asked, net: Module, shape: tuple[int, ...]) -> RunnableNetwork:
    """A network recorded for what it takes, with what its file says in words."""
    from allconv.onnx import OnnxModule
    from allconv.show.network.read import described, model_note, read_messages
    from allconv.show.network.record import record_network

    said, note = None, ""
    if isinstance(net, OnnxModule):
        proto = read_messages(asked.model)
        said, note = described(proto), model_note(proto)
    return record_network(net, shape, _title(asked.model), said, note)


def _shown_run(
    shown: Screen,
    asked: Asked,
    net: Module,
    run: RunnableNetwork,
    prepared: Preprocess | None,
    remark: str,
) -> Subject:
    """A network that can run, with what it does with the image where there is one."""
    from allconv.show.network.page import Subject

    photo = None if prepared is None else _photo(net, asked, prepared)
    if asked.profile:
        run = _profiled(shown, run)
    if photo is None:
        return Subject(run.network, run, remark=remark)
    return _with_photo(shown, asked, run, photo, remark)


def _photo(net: Module, asked: Asked, prepared: Preprocess) -> Photo:
    """The image as the network takes it."""
    import numpy as np

    from allconv.nn.tracing import network_dtype
    from allconv.onnx import OnnxModule
    from allconv.show.network.values import Photo

    name = str(asked.image)
    pixels = prepared.load(name, pixel_limit=asked.pixel_limit)
    is_file = isinstance(net, OnnxModule)
    takes_bytes = is_file and net.model.inputs[0].dtype == "uint8"
    x = pixels[None] if takes_bytes else prepared.apply(pixels[None])
    dtype = network_dtype(net)
    classes = net.classes if is_file else None
    return Photo(encodable(name), pixels, np.ascontiguousarray(x, dtype), classes)


def _with_photo(
    shown: Screen, asked: Asked, run: RunnableNetwork, photo: Photo, remark: str
) -> Subject:
    from allconv.show.network.evidence import evidence
    from allconv.show.network.page import Subject
    from allconv.show.network.values import glimpses_of, layer_values, maps_of, scores_of

    expected = run.recorded.graph.inputs[0].shape
    if photo.x.shape != expected:
        raise UnsupportedError(
            f"{asked.model} takes {expected}, which the image, prepared as {photo.x.shape}, is not"
        )

    def progress(what: str, done: int, total: int) -> None:
        shown.show(what, done, total, f"{done}/{total}")

    most = 10**9 if asked.full else asked.maps
    maps = layer_values(run, photo.x, lambda array, field: maps_of(array, field, most), progress)
    scores = scores_of(run, photo.x)
    found = None
    if scores is not None:
        try:
            found = evidence(run, photo.x, scores, scores.likeliest(1)[0], progress)
        except Error as error:  # of memory, say: all else of the page is there
            shown.line(f"what speaks for the class is left out: {error}")
    windows = glimpses_of(run, photo.x, progress)
    return Subject(run.network, run, photo, scores, found, maps, windows, remark)


def _profiled(shown: Screen, run: RunnableNetwork) -> RunnableNetwork:
    """The same with the time of each layer, on an image of noise."""
    import numpy as np

    from allconv.bench.profile import profile_call
    from allconv.show.network.record import with_seconds

    shown.show("measuring the layers", 0, None)
    program, places = run.program, run.recorded.state_places
    program.bind(dict(zip(places, run.arrays, strict=True)))
    spec = run.recorded.graph.inputs[0].spec
    x = np.random.default_rng(0).standard_normal(spec.shape).astype(spec.dtype)
    seconds: dict[str, float] = {}
    for row in profile_call(program, lambda: program(x), REPEATS):
        seconds[row["layer"]] = seconds.get(row["layer"], 0.0) + row["seconds"]
    seconds.pop("", None)
    return with_seconds(run, seconds)
