"""A classifier of images in scikit-learn's manners, without needing scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from allconv import data
from allconv.data.arrays import to_images
from allconv.data.images import Pixels, resize
from allconv.errors import ArgumentError, Error, FileError, ShapeError, UnsupportedError
from allconv.nn import networks
from allconv.nn.module import Module
from allconv.operators.base import Array
from allconv.train.callbacks import Callback
from allconv.train.evaluate import BATCH, softmax
from allconv.train.feed import Augmentation
from allconv.train.inference import Inference
from allconv.train.length import suited
from allconv.train.loop import fit
from allconv.train.optimizers import Optimizer
from allconv.train.schedules import Schedule

Model: TypeAlias = str | Module | Callable[[int, tuple[int, int], int], Module]


class ImageClassifier:
    """Learns to tell images apart, from a folder, arrays or a `Dataset`.

    model: a name of `nn.networks`, whose weights are drawn by `seed`; a network, of which a copy is
        trained; or a function of (channels, (height, width), classes) that returns one.
    image_size: side, or (height, width), to which images are scaled (None: chosen from the data).
    validation: share of the images to hold out for choosing the best epoch, or arrays (x, y).
    The others are those of `fit`.

    Images are uint8, or other numbers in [0, 255] or [0, 1], of shape (N, H, W), (N, H, W, C) or
    (N, C, H, W) with C = 1 or 3. After `fit`: `classes_`, `network_`, `preprocess_`, `history_`.

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
        learning_rate: float | None = None,
        optimizer: Optimizer | str = "adamw",
        schedule: Schedule | str = "one-cycle",
        label_smoothing: float = 0.0,
        clip: float | None = 1.0,
        early_stopping: int | None = None,
        image_size: int | tuple[int, int] | None = None,
        augment: Augmentation | Literal["default"] = "default",
        validation: float | tuple[Any, Any] | None = None,
        seed: int = 0,
        threads: int | None = None,
        callbacks: Sequence[Callback] = (),
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
        source = x if y is None else (x, y)
        if y is None and not isinstance(x, str | os.PathLike | data.Dataset):
            raise ArgumentError("y is missing: fit(x, y) for arrays, fit(folder) for files")
        loaded = data.load(
            source, image_size=self.image_size, seed=self.seed, validation=self.validation
        )
        preprocess = loaded.preprocess
        size = (preprocess.height, preprocess.width)
        network = self._network(preprocess.channels, size, len(loaded.classes))
        epochs, batch_size = suited(len(loaded.train), self.epochs, self.batch_size)
        history = fit(
            network,
            loaded,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=self.learning_rate,
            optimizer=self.optimizer,
            schedule=self.schedule,
            label_smoothing=self.label_smoothing,
            clip=self.clip,
            early_stopping=self.early_stopping,
            augment=self.augment,
            seed=self.seed,
            threads=self.threads,
            callbacks=self.callbacks,
        )
        self.network_, self.preprocess_, self.history_ = network, preprocess, history
        # The names of the classes are sorted as the labels are, which may be numbers.
        self.classes_ = np.array(loaded.classes) if y is None else np.unique(np.asarray(y))
        self._is_unit = y is not None and _is_unit(x)
        self._takes_pixels = False
        self._keep_inference()
        return self

    def _network(self, channels: int, size: tuple[int, int], classes: int) -> Module:
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

        Images are an array, a file, a folder (all images below it, sorted by path) or a list of
        files. They are scaled as those for training were.
        """
        self._check_fitted()
        images = self._images(x)
        found = [np.empty((0, len(self.classes_)))]
        for start in range(0, len(images), BATCH):
            logits = self._inference(self._prepared(images[start : start + BATCH]))
            found.append(softmax(logits.astype(np.float64)))
        return np.concatenate(found)

    def score(self, x: Any, y: Any = None) -> float:
        """The share of images that are predicted right, of images and labels, or of a Part."""
        if isinstance(x, data.Part) and y is None:
            self._check_fitted()
            return float((self.predict(x.images) == self.classes_[x.labels]).mean())
        labels = np.asarray(y)
        predicted = self.predict(x)
        if labels.shape != predicted.shape:
            raise ShapeError(f"y is {labels.shape}; there are {len(predicted)} images")
        return float((predicted == labels).mean())

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise Error("this ImageClassifier has learnt nothing yet; call fit first")

    def _images(self, x: Any) -> Pixels:
        """Images of any kind as uint8 of the size and channels of the network."""
        if isinstance(x, str | os.PathLike):
            path = Path(x)
            files: Iterable[Any] = data.find_images(path).images if path.is_dir() else [path]
            return self._decoded(list(files), str(path))
        if isinstance(x, list) and x and all(isinstance(each, str | os.PathLike) for each in x):
            return self._decoded(x, "the list")
        images = to_images(_scaled(np.asarray(x), self._is_unit))
        return resize(images, (self.preprocess_.height, self.preprocess_.width))

    def _prepared(self, images: Pixels) -> Array:
        """Images as the network takes them: those from files preprocess by themselves."""
        batch: Array = images if self._takes_pixels else self.preprocess_.apply(images)
        return batch.astype(self._inference.dtype, copy=False)

    def _decoded(self, files: Sequence[str | os.PathLike[str]], source: str) -> Pixels:
        if not files:
            raise FileError(f"{source} holds no image")
        return np.stack([self.preprocess_.load(Path(file)) for file in files])

    def _keep_inference(self) -> None:
        self._inference = Inference(self.network_, threads=self.threads)

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one ONNX file with the network, the names of the classes and the preprocessing."""
        from allconv import onnx

        self._check_fitted()
        if self._takes_pixels:
            raise UnsupportedError("this classifier came from a file and is as it was; copy that")
        preprocess = self.preprocess_
        shape = (None, preprocess.channels, preprocess.height, preprocess.width)
        names = [str(name) for name in self.classes_]
        onnx.save(self.network_, path, shape, classes=names, preprocess=preprocess)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A classifier from a file that `save` or `allconv train` wrote.

        Its classes are names, and its settings the defaults: `fit` begins anew.
        """
        from allconv import onnx

        network = onnx.load(path)
        if not network.classes or network.preprocess is None:
            raise FileError(f"{path} does not say its classes and preprocessing; use onnx.load")
        made = cls()
        made.network_ = network
        made.preprocess_ = data.Preprocess.from_json(network.preprocess)
        made.classes_, made._is_unit = np.array(network.classes), False
        made._takes_pixels = network.model.inputs[0].dtype == "uint8"
        made._keep_inference()
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_inference"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.__sklearn_is_fitted__():
            self._keep_inference()


def _is_unit(x: Any) -> bool:
    """Whether images are floats in [0, 1]."""
    array = np.asarray(x)
    return array.dtype.kind == "f" and bool(array.size) and float(array.max()) <= 1


def _scaled(x: npt.NDArray[Any], unit: bool) -> npt.NDArray[Any]:
    """Floats on the scale of the training, which the range of a few images cannot tell."""
    if x.dtype.kind != "f" or not x.size:
        return x
    low, high = float(x.min()), float(x.max())
    if unit and high > 1:
        raise ArgumentError(f"x has values up to {high:g}; the images for training were in [0, 1]")
    if unit or not (low >= 0 and high <= 255):
        return x
    rounded: npt.NDArray[Any] = np.rint(x).astype(np.uint8)
    return rounded
