"""A classifier of images in scikit-learn's manners, without needing scikit-learn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import fields
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from allconv import data
from allconv.data.images import Pixels, resize
from allconv.data.labels import label_kind, label_values, names_of, take_labels, values_of
from allconv.data.listing import expand
from allconv.data.pixels import take_images, to_bytes
from allconv.data.presets import Preset
from allconv.errors import ArgumentError, Error, FileError, ShapeError, UnsupportedError
from allconv.intake.settings import flag
from allconv.nn import networks
from allconv.nn.module import Module
from allconv.operators.base import Array
from allconv.text import printable
from allconv.train.base import Base, Network, open_base
from allconv.train.callbacks import Callback
from allconv.train.evaluate import BATCH, softmax
from allconv.train.feed import Augmentation
from allconv.train.inference import Inference
from allconv.train.loop import train
from allconv.train.optimizers import Optimizer
from allconv.train.recipe import Recipe, default_length
from allconv.train.schedules import Schedule
from allconv.train.tune import TUNED, StatisticsWarning, odd_statistics, tune, tuning_defaults

LABELS = "allconv.labels"
"""The key, in a file's metadata, of the type of the labels where they are no text."""

Model: TypeAlias = str | Module | Callable[[int, tuple[int, int], int], Module]


class ImageClassifier:
    """Learns to tell images apart, from a folder, arrays or a `Dataset`.

    model: a name of `nn.networks`, whose weights are drawn by `seed`; a network, of which a copy is
        trained; or a function of (channels, (height, width), classes) that returns one.
    network: a trained network to begin from, in place of `model`: a module, an .onnx file, the
        folder of a run. Its head is replaced; classes that it knows keep their weights. The layers
        below stay as they are unless `unfreeze`, when lower layers are trained slower.
    preset, layout: how that network takes images where its file does not say it: "imagenet",
        "imagenet-bgr", "unit", "tf", "bytes" or (mean, std); "nchw" or "nhwc".
    image_size: side, or (height, width), to which images are scaled (None: chosen from the data).
    validation: share of the images to hold out for choosing the best epoch, or arrays (x, y).
    The others are those of `fit`.

    Images are uint8, or other numbers in [0, 255] or [0, 1], of shape (N, H, W), (N, H, W, C) or
    (N, C, H, W) with C = 1 or 3; one image is x[None]. What the numbers mean is learnt with the
    rest, and saved: images in [0, 1] if those for training were. After `fit`: `classes_`,
    `network_`, `preprocess_`, `history_`.

    >>> x = np.zeros((40, 8, 8), np.uint8)
    >>> x[20:, 2:6] = 255
    >>> y = np.repeat(["dark", "striped"], 20)
    >>> classifier = ImageClassifier("plain", epochs=10, batch_size=8).fit(x, y)
    >>> classifier.predict(x[[0, 30]]).tolist(), classifier.score(x, y)
    (['dark', 'striped'], 1.0)
    """

    def __init__(
        self,
        model: Model = "convnet",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = Recipe.learning_rate,
        optimizer: Optimizer | str = Recipe.optimizer,
        schedule: Schedule | str = Recipe.schedule,
        label_smoothing: float = Recipe.label_smoothing,
        clip: float | None = Recipe.clip,
        early_stopping: int | None = Recipe.early_stopping,
        image_size: int | tuple[int, int] | None = None,
        augment: Augmentation | Literal["default"] = Recipe.augment,
        validation: float | tuple[Any, Any] | None = None,
        seed: int = Recipe.seed,
        threads: int | None = None,
        callbacks: Sequence[Callback] = (),
        network: Network | None = None,
        unfreeze: bool = False,
        preset: Preset | None = None,
        layout: str | None = None,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.schedule = schedule
        self.label_smoothing = label_smoothing
        self.clip = clip
        self.early_stopping = early_stopping
        self.image_size = image_size
        self.augment = augment
        self.validation = validation
        self.seed = seed
        self.threads = threads
        self.callbacks = callbacks
        self.network = network
        self.unfreeze = unfreeze
        self.preset = preset
        self.layout = layout

    # Settings

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name; `deep` is scikit-learn's and changes nothing here."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **settings: Any) -> Self:
        """Change settings by name."""
        names = self._names()
        for name, value in settings.items():
            if name not in names:
                raise ArgumentError(f"there is no setting {name!r}; there are {', '.join(names)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {n: p.default for n, p in signature(type(self).__init__).parameters.items()}
        changed = (
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value is not defaults[name] and repr(value) != repr(defaults[name])
        )
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn, which alone calls this, wants to know."""
        tags = import_module("sklearn.utils")
        return tags.Tags(
            estimator_type="classifier",
            target_tags=tags.TargetTags(required=True),
            classifier_tags=tags.ClassifierTags(),
            input_tags=tags.InputTags(two_d_array=False, three_d_array=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` or `load` was called."""
        return hasattr(self, "network_")

    # Training

    def fit(self, x: Any, y: Any = None) -> Self:
        """Train on a folder, .npz file or Dataset (y is None), or on images and labels (N,)."""
        if y is None and not isinstance(x, str | os.PathLike | data.Dataset):
            raise ArgumentError("y is missing: fit(x, y) for arrays, fit(folder) for files")
        if y is not None and _is_of_files(x):
            raise ArgumentError(
                "x names files; put those of each class into a folder with its name and call "
                "fit(folder), or give arrays"
            )
        values = None if y is None else label_values(y)
        source = x if y is None else (x, y)
        base = self._base()
        size = self.image_size if base is None else self.image_size or base.size
        loaded = data.load(
            source,
            image_size=size,
            seed=self.seed,
            validation=self.validation,
            channels=None if base is None else base.channels,
        )
        network: Any
        if base is None:
            network = self._network(loaded)
        else:
            loaded = base.fitting(loaded)
            network = base.network(loaded, self.seed)
        names = [field.name for field in fields(Recipe) if field.name in self._names()]
        settings = {name: getattr(self, name) for name in names}
        others: dict[str, Any] = {"threads": self.threads, "callbacks": self.callbacks}
        if base is None:
            length = default_length(len(loaded.train), self.epochs, self.batch_size)
            settings["epochs"], settings["batch_size"] = length
            history = train(network, loaded, None, Recipe(**settings), **others)
        else:
            for sentence in odd_statistics(base, loaded):
                warnings.warn(sentence, StatisticsWarning, stacklevel=2)
            others["unfreeze"] = self.unfreeze
            chosen = {name: settings[name] for name in TUNED}
            settings |= tuning_defaults(network, loaded, unfreeze=self.unfreeze, **chosen)
            history = tune(network, loaded, Recipe(**settings), **others)
        self.network_, self.preprocess_, self.history_ = network, loaded.preprocess, history
        self.classes_ = np.array(loaded.classes) if values is None else values
        self._takes_pixels = False
        self._keep_inference()
        return self

    def _base(self) -> Base | None:
        flag("unfreeze", self.unfreeze)
        if self.network is not None:
            return open_base(self.network, self.preset, self.layout)
        for name in ("unfreeze", "preset", "layout"):
            if getattr(self, name):
                raise ArgumentError(f"{name} is for a network to begin from; give network, too")
        return None

    def _network(self, loaded: data.Dataset) -> Module:
        kind, classes = loaded.preprocess, len(loaded.classes)
        channels, size = kind.channels, kind.size
        if isinstance(self.model, str):
            network: Module = networks.build(self.model, channels, size, classes)
            return network.initialize(self.seed)
        if isinstance(self.model, Module):
            return deepcopy(self.model)
        if not callable(self.model):
            raise ArgumentError(
                f"model must be one of {', '.join(networks.names())}, a network, or a function of "
                f"(channels, size, classes), got {self.model!r}"
            )
        return self.model(channels, size, classes)

    # Using

    def predict(self, x: Any) -> npt.NDArray[Any]:
        """The likeliest class of each image, as in `classes_`; images as in `predict_proba`."""
        probabilities = self.predict_proba(x)
        return np.asarray(self.classes_[probabilities.argmax(1)])

    def predict_proba(self, x: Any) -> Array:
        """Probabilities float64 (N, classes), the columns as in `classes_`.

        Images are an array, a Part, a file, a folder (all images below it, sorted by path), a
        pattern ("photos/*.jpg"), or a list of these three. They are scaled as those for training
        were.
        """
        self._check_fitted()
        return np.concatenate([self._probabilities(images) for images in self._batches(x)])

    def _probabilities(self, images: Pixels) -> Array:
        """Those of images as the network takes them: those from files preprocess by themselves."""
        batch: Array = images if self._takes_pixels else self.preprocess_.apply(images)
        logits = self._inference(batch.astype(self._inference.dtype, copy=False))
        if logits.shape != (len(images), len(self.classes_)):
            raise ShapeError(
                f"the network gives {logits.shape} for {len(images)} images and there are "
                f"{len(self.classes_)} classes; (N, classes) is expected, so save it again"
            )
        return softmax(logits.astype(np.float64))

    def score(self, x: Any, y: Any = None) -> float:
        """The share of images that are predicted right, of images and labels, or of a Part."""
        if isinstance(x, data.Part) and y is None:
            self._check_fitted()
            return float((self.predict(x) == self.classes_[x.labels]).mean())
        if y is None:
            raise ArgumentError("y is missing: score(x, y) for arrays and files, score(part)")
        labels = take_labels(y)
        predicted = self.predict(x)
        if labels.shape != predicted.shape:
            raise ShapeError(f"y is {labels.shape}; there are {len(predicted)} images")
        if (labels.dtype.kind in "biu") != (predicted.dtype.kind in "biu"):
            raise ArgumentError(
                f"y holds {labels.dtype}, the classes are {predicted.dtype}; give labels as in "
                "classes_"
            )
        return float((predicted == labels).mean())

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise Error("this ImageClassifier has learnt nothing yet; call fit first")

    def _batches(self, x: Any) -> Iterator[Pixels]:
        """Images of any kind as uint8 of the size and channels of the network, some at a time."""
        if _is_of_files(x):
            files = _files([x] if isinstance(x, str | os.PathLike) else x)
            for start in range(0, len(files), BATCH):
                yield np.stack([self.preprocess_.load(f) for f in files[start : start + BATCH]])
            return
        images = self._pixels(x.images if isinstance(x, data.Part) else x)
        for start in range(0, len(images), BATCH):
            yield resize(images[start : start + BATCH], self.preprocess_.size)

    def _pixels(self, x: Any) -> Pixels:
        """An array of images as bytes; ShapeError where the network takes other channels."""
        kind = self.preprocess_
        array = take_images(x, size=kind.size if kind.channels == 1 else None)
        may_be_one = np.ndim(x) == 3 and np.shape(x)[0] == 3  # (C, H, W)
        if array.shape[3] == 1 and kind.channels == 3 and not may_be_one:
            array = np.repeat(array, 3, 3)  # as gray images from files are
        if array.shape[3] != kind.channels:
            hint = "give these in grey" if kind.channels == 1 else "one image (C, H, W) is x[None]"
            raise ShapeError(
                f"x is {np.shape(x)}, images with {array.shape[3]} channels; the network was "
                f"trained on images with {kind.channels}: {hint}"
            )
        return to_bytes(array, kind.white)

    def _keep_inference(self) -> None:
        self._inference = Inference(self.network_, threads=self.threads)

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one ONNX file with the network, the names of the classes and the preprocessing."""
        from allconv import onnx

        self._check_fitted()
        _check_path(path)
        if self._takes_pixels:
            raise UnsupportedError(
                "this classifier was loaded from a file and is unchanged; copy the file"
            )
        preprocess, kind = self.preprocess_, label_kind(self.classes_)
        onnx.save(
            self.network_,
            path,
            (None, *preprocess.shape),
            classes=names_of(self.classes_),
            preprocess=preprocess,
            metadata={} if kind is None else {LABELS: kind},
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A classifier from a file that `save` or `allconv train` wrote.

        It answers as the one that was saved, and its settings are the defaults: `fit` begins anew.
        """
        from allconv import onnx

        _check_path(path)
        network = onnx.load(path)
        if not network.classes or network.preprocess is None:
            raise FileError(
                f"{printable(path)} does not say its classes and preprocessing; use onnx.load"
            )
        made = cls()
        made.network_ = network
        try:
            made.preprocess_ = data.Preprocess.from_json(network.preprocess)
            made.classes_ = values_of(network.classes, network.model.metadata.get(LABELS))
        except FileError as error:
            raise error.at(printable(path)) from None
        made._takes_pixels = network.model.inputs[0].dtype == "uint8"
        made._keep_inference()
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_inference"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.__sklearn_is_fitted__():
            self._keep_inference()


def _is_of_files(x: Any) -> bool:
    """Whether images are given by a name, or a list of names."""
    if isinstance(x, list | tuple):
        return any(isinstance(each, str | os.PathLike) for each in x)
    return isinstance(x, str | os.PathLike)


def _check_path(path: Any) -> None:
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path must be the name of a file, got {path!r}")


def _files(places: Sequence[Any]) -> list[Path]:
    """The image files that names stand for; FileError where one cannot be looked at."""
    for each in places:
        if not isinstance(each, str | os.PathLike):
            raise ArgumentError(
                f"x names files and holds {type(each).__name__}, too; give one kind"
            )
    found = expand(places)
    for path, why in found.unreadable:
        raise FileError(why).at(printable(path))
    return found.images
