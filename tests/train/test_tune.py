"""Fine-tuning: from files, networks and runs; frozen or not; the same bits; what does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.data import Part, load
from allconv.data.presets import PRESETS, find_preset
from allconv.errors import ArgumentError, Error, FileError, ShapeError, UnsupportedError
from allconv.nn.rewrites.new_head import Features
from allconv.train import ImageClassifier
from allconv.train.base import open_base
from allconv.train.features import compute_features, mean_and_spread
from allconv.train.inference import Inference
from allconv.train.layer_wise import LayerWise, layer_shares
from allconv.train.optimizers import SGD
from allconv.train.recipe import Recipe
from allconv.train.tune import StatisticsWarning, odd_statistics, tune, tuning_defaults

from .making import stripes

NAMES = np.array(["across", "upright", "both"])
QUICK: dict[str, Any] = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of two kinds of stripes."""
    images, labels = stripes(96)
    two = labels < 2
    made = ImageClassifier("convnet", epochs=6, batch_size=16).fit(images[two], NAMES[labels[two]])
    path = tmp_path_factory.mktemp("base") / "two.onnx"
    made.save(path)
    return path


def state(net: nn.Module) -> dict[str, bytes]:
    """The bits of a network."""
    return {name: array.tobytes() for name, array in net.state_dict().items()}


def test_a_new_class_is_learnt_and_the_layers_below_stay(file: Path) -> None:
    """By name the old classes keep their weights; the result is saved, read and tuned again."""
    images, labels = stripes(96, seed=1)
    tuned = ImageClassifier(network=file, **QUICK).fit(images, NAMES[labels])
    assert tuned.classes_.tolist() == ["across", "both", "upright"]
    assert tuned.score(images, NAMES[labels]) > 0.9
    before = open_base(file).features()
    assert state(before) == state(tuned.network_.base)
    path = file.with_name("three.onnx")
    tuned.save(path)
    again = ImageClassifier.load(path)
    assert (again.predict(images) == tuned.predict(images)).all()
    more = ImageClassifier(network=path, **{**QUICK, "epochs": 1}).fit(images, NAMES[labels])
    assert more.score(images, NAMES[labels]) > 0.9


def test_known_classes_keep_their_weights(file: Path) -> None:
    """Row by row, by name; what is new begins small."""
    base = open_base(file)
    images, labels = stripes(96)
    data = base.fitting(load((images, NAMES[labels])))
    net = base.network(data, 0)
    assert data.classes == ("across", "both", "upright")
    assert np.array_equal(net.head.weight[[0, 2]], base.cut.weight)
    assert base.cut.bias is not None
    assert np.array_equal(net.head.bias[[0, 2]], base.cut.bias)
    assert 0 < np.abs(net.head.weight[1]).max() < 0.1


def test_all_layers_are_trained_when_asked(file: Path) -> None:
    """Lower ones slower; the statistics of normalisation stay."""
    images, labels = stripes(96, seed=1)
    tuned = ImageClassifier(network=file, unfreeze=True, **QUICK).fit(images, NAMES[labels])
    assert tuned.score(images, NAMES[labels]) > 0.9
    before, after = state(open_base(file).features()), state(tuned.network_.base)
    same = {name for name in before if before[name] == after[name]}
    assert same == {n for n in before if "running" in n}
    shares = layer_shares(tuned.network_, (1, *images.shape[1:3]))
    ordered = list(shares.values())
    assert ordered == sorted(ordered)
    assert ordered[0] == pytest.approx(0.1)
    assert ordered[-1] < 1 == shares.get("head.weight", 1)


def test_the_same_bits_on_any_number_of_threads_and_after_a_stop(
    file: Path, tmp_path: Path
) -> None:
    """Also where the features are in a file."""
    images, labels = stripes(96, seed=1)
    base = open_base(file)
    data = base.fitting(load((images, NAMES[labels])))

    def run(epochs: int, **more: Any) -> dict[str, bytes]:
        recipe = Recipe(epochs=epochs, batch_size=16, schedule="constant")
        net = base.network(data, 0)
        tune(net, data, recipe, **more)
        return state(net)

    whole = run(4, threads=1)
    assert run(4, threads=2) == whole
    assert run(4, out=tmp_path / "mapped", memory_limit=100) == whole
    assert not [p for p in (tmp_path / "mapped").iterdir() if p.name.startswith("features")]
    run(2, out=tmp_path / "run")
    assert run(4, resume=tmp_path / "run") == whole


def test_features_are_those_of_each_image_and_its_mirror(file: Path) -> None:
    """Computed one by one here; measured in blocks there."""
    images, labels = stripes(20)
    base = open_base(file)
    data = base.fitting(load((images, labels), validation=0.2))
    net = base.features()
    inference = Inference(net, threads=1)
    found = compute_features(inference, data.train, data.preprocess, mirrored=True)
    for view, step in ((0, 1), (1, -1)):
        x = data.preprocess.apply(data.train.images[:, :, ::step].copy())
        np.testing.assert_allclose(found[:, view], net(x), rtol=1e-4, atol=1e-4)
    mean, spread = mean_and_spread(found)
    with pytest.raises(Error, match="NaN or infinity"):
        mean_and_spread(np.full((3, 1, 2), np.inf, np.float32))
    assert mean_and_spread(np.ones((3, 1, 2), np.float32))[1].tolist() == [np.float32(0.1)] * 2
    flat = found.reshape(-1, found.shape[2]).astype(np.float64)
    np.testing.assert_allclose(mean, flat.mean(0), rtol=1e-4, atol=1e-6)
    changing = flat.std(0) > 0.11 * flat.std(0).mean()
    np.testing.assert_allclose(spread[changing], flat.std(0)[changing], rtol=1e-3)


def test_a_head_for_another_task_sees_all_depths(file: Path) -> None:
    """The means of what the last convolution at each size takes, behind what the old head took."""
    gen = np.random.default_rng(0)
    first, second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
    third, fourth = nn.Conv2d(4, 6, 3, stride=2), nn.Conv2d(6, 8, 3)
    squeeze = nn.Conv2d(8, 8, 1)
    below = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
    whole = nn.Sequential(
        below, third, nn.Sigmoid(), fourth, nn.AdaptiveAvgPool2d(1), squeeze, nn.Flatten()
    )
    x = gen.normal(size=(2, 3, 11, 11)).astype(np.float32)
    y = Features(whole, depths=True)(x)
    at_11 = below(x)
    at_5 = nn.Sigmoid()(third(at_11))
    expected = [whole(x), at_11.mean((2, 3)), at_5.mean((2, 3))]
    np.testing.assert_allclose(y, np.concatenate(expected, 1), rtol=1e-5, atol=1e-6)
    assert Features(nn.Flatten(), depths=True)(x).shape == (2, 363)
    images, labels = stripes(30)
    base = open_base(file)
    for names, is_other in ((NAMES, False), (np.array(["a", "b", "c"]), True)):
        assert base.network(base.fitting(load((images, names[labels]))), 0).base.depths == is_other


def test_the_head_is_trained_before_all_layers(file: Path) -> None:
    """With next to no rate afterwards it knows the new classes all the same."""
    images, labels = stripes(96, seed=1)
    settings = {**QUICK, "epochs": 1, "learning_rate": 1e-9}
    tuned = ImageClassifier(network=file, unfreeze=True, **settings).fit(images, labels)
    assert tuned.score(images, labels) > 0.9
    assert len(tuned.history_.records) == 1


@pytest.mark.parametrize("unfreeze", [False, True])
def test_what_is_refused_before_anything_is_computed(
    file: Path, tmp_path: Path, unfreeze: bool
) -> None:
    """A folder that holds a run, and a part without images; the head keeps its weights."""
    images, labels = stripes(48)
    base = open_base(file)
    data = base.fitting(load((images, NAMES[labels])))
    recipe = Recipe(epochs=1, batch_size=16, early_stopping=1)
    tune(base.network(data, 0), data, recipe, out=tmp_path)
    empty = replace(data, validation=Part(data.train.images[:0], data.train.labels[:0]))
    net = base.network(data, 0)
    before, computed = state(net), []

    def progress(done: int, total: int) -> None:
        computed.append(done)

    for given, out, kind, said in (
        (data, tmp_path, FileError, "holds a run already; choose another folder, or resume it"),
        (empty, tmp_path / "new", ShapeError, "validation holds no image"),
    ):
        with pytest.raises(kind, match=said):
            tune(net, given, recipe, unfreeze=unfreeze, out=out, progress=progress)
    assert (state(net), computed) == (before, [])
    assert not (tmp_path / "new").exists()


def test_what_tuning_chooses(file: Path) -> None:
    """A quarter of the rate and many epochs for the head alone; what is given stays."""
    images, labels = stripes(96)
    base = open_base(file)
    data = base.fitting(load((images, labels)))
    net = base.network(data, 0)
    none: dict[str, Any] = dict.fromkeys(("epochs", "batch_size", "learning_rate"))
    head = tuning_defaults(net, data, unfreeze=False, optimizer="sgd", **none)
    assert head == {"epochs": 100, "batch_size": 8, "learning_rate": 0.025, "optimizer": SGD()}
    given = {"epochs": 3, "batch_size": 5, "learning_rate": 0.5}
    assert given.items() <= tuning_defaults(
        net, data, unfreeze=False, optimizer="sgd", **given
    ).items()  # fmt: skip
    every = tuning_defaults(net, data, unfreeze=True, optimizer="sgd", **none)
    assert isinstance(every["optimizer"], LayerWise)
    assert every["learning_rate"] is None


def test_another_size_of_image(file: Path) -> None:
    """The new head takes as many features as there are, and those from 10 x 10 and 20 x 20."""
    images, labels = stripes(60)
    larger = np.repeat(np.repeat(images, 2, 1), 2, 2)
    tuned = ImageClassifier(network=file, image_size=20, **QUICK).fit(larger, labels)
    assert (tuned.preprocess_.height, tuned.preprocess_.width) == (20, 20)
    assert tuned.network_.head.in_features == 64 * 5 * 5 + 64 + 32


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_their_formulas(preset: str) -> None:
    """On images from 0 to 255, in RGB."""
    from allconv.data import Preprocess
    from allconv.nn.rewrites.new_head import Arranged

    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)
    found = find_preset(preset, 3)
    net = Arranged(nn.Identity(), "nhwc", found.channels)
    x = net(Preprocess(4, 5, 3, found.mean, found.std).apply(pixels))
    expected = {
        "imagenet": (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
        "imagenet-bgr": pixels[..., ::-1] - np.array([103.939, 116.779, 123.68]),
        "unit": pixels / 255,
        "tf": pixels / 127.5 - 1,
        "bytes": pixels,
    }[preset]
    np.testing.assert_allclose(x, expected, rtol=1e-4, atol=1e-4)


def test_gray_images_for_a_network_of_colours(tmp_path: Path) -> None:
    """They are given as colour; colour to a network of gray images is refused."""
    images, labels = stripes(60)
    net = nn.networks.build("convnet", 3, images.shape[1:3], 4)
    with pytest.warns(StatisticsWarning, match="first normalisation"):  # it was never trained
        tuned = ImageClassifier(network=net, preset="unit", **QUICK).fit(images, labels)
    assert tuned.preprocess_.channels == 3
    coloured = np.repeat(images[..., None], 3, 3)
    assert (tuned.predict(images) == tuned.predict(coloured)).all()
    gray = nn.networks.build("convnet", 1, images.shape[1:3], 4)
    with pytest.raises(ShapeError, match="takes images of 1 channel, the images are in colour"):
        ImageClassifier(network=gray, preset="unit", **QUICK).fit(coloured, labels)


def test_wrong_preparation_is_noticed(file: Path) -> None:
    """By the first normalisation, and by the numbers alone."""
    images, labels = stripes(60)
    net = ac.onnx.load(file).for_any_size()
    net = net.with_model(replace(net.model, preprocess=None, classes=None))
    kind = open_base(file).prepared
    right = (kind.mean, kind.std)
    for preset, count in ((right, 0), ("bytes", 1)):
        base = open_base(net, preset)
        data = base.fitting(load((images, labels)))
        assert len(list(odd_statistics(base, data))) == count
    with pytest.warns(StatisticsWarning, match="first normalisation"):
        ImageClassifier(network=net, preset="bytes", **QUICK).fit(images, labels)


def test_what_cannot_be_begun_from(file: Path, tmp_path: Path) -> None:
    """Each is one sentence that names the file or the layer."""
    images, labels = stripes(60)
    (tmp_path / "text.onnx").write_text("no network")
    (tmp_path / "w.pth").write_bytes(b"PK\x03\x04" + bytes(100))
    bare = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 8 * 8, 4))
    ac.onnx.save(bare, tmp_path / "bare.onnx", (None, 1, 10, 10))
    headless = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    cases: list[tuple[Any, Any, type[Error], str]] = [
        (tmp_path / "text.onnx", None, FileError, "text.onnx: this is not an ONNX model"),
        (tmp_path / "missing.onnx", None, FileError, "missing.onnx"),
        (tmp_path, None, FileError, "model.onnx"),
        (tmp_path / "w.pth", None, FileError, "torch.load"),
        (tmp_path / "bare.onnx", None, FileError, "does not say how images are prepared"),
        (tmp_path / "bare.onnx", "imagenet", ArgumentError, "for images of 3 channels"),
        (tmp_path / "bare.onnx", "magenet", ArgumentError, "no preset 'magenet'"),
        (file, "unit", ArgumentError, "says how images are prepared"),
        (headless, "unit", UnsupportedError, "no head that can be replaced: .* 1, BatchNorm2d"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), "unit", UnsupportedError, "no Conv2d"),
        (3, None, ArgumentError, "network is 3"),
    ]
    for network, preset, kind, said in cases:
        with pytest.raises(kind, match=said):
            ImageClassifier(network=network, preset=preset, **QUICK).fit(images, labels)
    for name in ("unfreeze", "preset", "layout"):
        with pytest.raises(ArgumentError, match=f"{name} is for a network"):
            ImageClassifier(**{name: True if name == "unfreeze" else "unit"}).fit(images, labels)
    deep = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 8 * 8, 4), nn.ReLU(), nn.Linear(4, 2)
    )
    with pytest.raises(ShapeError, match="does not take images of"):
        ImageClassifier(network=deep, preset="unit", image_size=16, **QUICK).fit(images, labels)
