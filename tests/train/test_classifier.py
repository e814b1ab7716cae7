"""ImageClassifier: scikit-learn's manners, any kind of images, one file."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from allconv import nn
from allconv.data import Part, load
from allconv.errors import ArgumentError, Error, FileError, ShapeError, UnsupportedError
from allconv.train import ImageClassifier

from .making import digest, small_network, stripes

NAMES = np.array(["across", "upright", "both"])
QUICK = {"epochs": 8, "batch_size": 16, "learning_rate": 0.02, "augment": None}


def classifier(model="plain", **settings) -> ImageClassifier:
    """A classifier that learns fast."""
    return ImageClassifier(model, **{**QUICK, **settings})


@pytest.fixture(scope="module")
def fitted() -> ImageClassifier:
    """A classifier that has learnt stripes."""
    images, labels = stripes(96)
    return classifier().fit(images, NAMES[labels])


def test_nothing_is_done_in_init():
    """Every argument is kept as it was given, the very object, and nothing else is set."""
    names = list(inspect.signature(ImageClassifier).parameters)
    given = {name: object() for name in names}
    made = ImageClassifier(given["model"], **{n: v for n, v in given.items() if n != "model"})
    assert made.get_params() == given
    assert vars(made) == given


def test_settings_by_name():
    """set_params changes and returns itself; an unknown name is refused with those there are."""
    made = ImageClassifier()
    assert made.set_params(epochs=3, seed=7) is made
    assert (made.epochs, made.get_params(deep=False)["seed"]) == (3, 7)
    with pytest.raises(ArgumentError, match="no setting 'epoch'; there are model, epochs"):
        made.set_params(epoch=3)
    assert repr(made) == "ImageClassifier(epochs=3, seed=7)"


def test_clone_has_the_settings_and_not_what_was_learnt(fitted):
    """scikit-learn's clone works, and what it gives has learnt nothing."""
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "network_")
    assert is_classifier(copy)
    with pytest.raises(Error, match="call fit first"):
        copy.predict(stripes(3)[0])


def test_it_learns_names(fitted):
    """Labels of text come back; rows of probabilities are of classes_ and sum to one."""
    images, labels = stripes(30, 9)
    assert fitted.classes_.tolist() == ["across", "both", "upright"]
    assert fitted.score(images, NAMES[labels]) >= 0.9
    probabilities = fitted.predict_proba(images)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-12)
    best = fitted.classes_[probabilities.argmax(1)]
    np.testing.assert_array_equal(best, fitted.predict(images))
    assert fitted.fit.__self__ is fitted


def test_labels_of_any_integers():
    """Integer labels come back as integers, whatever they are and however many digits they have."""
    images, labels = stripes(60)
    given = np.array([-3, 200, 15])[labels]
    made = classifier()
    assert made.fit(images, given) is made
    assert made.classes_.tolist() == [-3, 15, 200]
    assert made.predict(images).dtype.kind == "i"
    assert made.score(images, given) >= 0.9


def test_every_kind_of_image_is_the_same(fitted):
    """Bytes, shares of 1, floats to 255, channels first or last: one training, one answer."""
    images, labels = stripes(48)
    forms = {
        "bytes": images,
        "last": images[..., None],
        "first": images[:, None],
        "floats": images.astype(np.float64),
        "shares": images / 255,
    }
    expected = fitted.predict_proba(images)
    for name in ("last", "first", "floats"):
        np.testing.assert_array_equal(fitted.predict_proba(forms[name]), expected)
    digests = {digest(classifier(epochs=1).fit(x, labels).network_) for x in forms.values()}
    assert len(digests) == 1


def test_dark_images_are_not_taken_for_shares():
    """An image of floats to 255 that is all dark stays dark, and shares above 1 are refused."""
    images, labels = stripes(48)
    made = classifier(epochs=1).fit(images.astype(float), labels)
    dark = np.ones((1, 8, 8))
    expected = made.predict_proba(np.ones((1, 8, 8), np.uint8))
    np.testing.assert_array_equal(made.predict_proba(dark), expected)
    shares = classifier(epochs=1).fit(images / 255, labels)
    with pytest.raises(ArgumentError, match="were in"):
        shares.predict(images.astype(float))


def test_models_of_ones_own():
    """A network is copied, a function builds one for the data; both keep what they are."""
    images, labels = stripes(48)
    net = small_network()
    before = digest(net)
    made = classifier(net).fit(images, labels)
    assert digest(net) == before != digest(made.network_)
    asked = []

    def build(channels, size, classes):
        asked.append((channels, size, classes))
        return small_network()

    again = classifier(build).fit(images, labels)
    assert asked == [(1, (8, 8), 3)]
    assert digest(again.network_) == digest(made.network_)


def test_the_seed_draws_the_weights():
    """Another seed begins with other weights, the same seed gives the same bits."""
    images, labels = stripes(48)
    found = [digest(classifier(seed=s, epochs=1).fit(images, labels).network_) for s in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_search_pipeline_and_folds():
    """Grid search, cross-validation and pipelines of scikit-learn take it as their own."""
    images, labels = stripes(60)
    search = GridSearchCV(classifier(), {"learning_rate": [1e-7, 0.02]}, cv=2)
    search.fit(images, labels)
    assert search.best_params_ == {"learning_rate": 0.02}
    assert search.best_estimator_.score(images, labels) >= 0.9
    assert cross_val_score(classifier(), images, labels, cv=2).min() > 0.8
    pipeline = make_pipeline(FunctionTransformer(lambda x: 255 - x), classifier())
    assert pipeline.fit(images, labels).score(images, labels) > 0.8


def write(folder, count: int = 36) -> None:
    """Folders of PNG files, one a class."""
    images, labels = stripes(count)
    for n, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / NAMES[label] / f"{n:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def test_folders(tmp_path):
    """A folder of class folders to learn from; a file, files or a folder to tell."""
    write(tmp_path)
    made = classifier(image_size=8).fit(tmp_path)
    assert made.classes_.tolist() == sorted(NAMES)
    probabilities = made.predict_proba(tmp_path)
    assert probabilities.shape == (36, 3)
    files = sorted(tmp_path.rglob("*.png"))
    np.testing.assert_array_equal(made.predict_proba(files), probabilities)
    np.testing.assert_array_equal(made.predict_proba(files[0]), probabilities[:1])
    assert made.score(files, [file.parent.name for file in files]) > 0.8
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="empty holds no image"):
        made.predict(tmp_path / "empty")


def test_data_sets_and_parts():
    """A Dataset to learn from, a Part to be scored on."""
    images, labels = stripes(48)
    data = load((images, labels), validation=stripes(9, 1))
    made = classifier().fit(data)
    assert made.classes_.tolist() == ["0", "1", "2"]
    assert made.score(data.validation) > 0.5
    assert made.history_.best.validation_accuracy > 0.5


def test_images_of_another_size_are_scaled(fitted):
    """Larger images are scaled to the size of the training."""
    images, _ = stripes(6)
    large = images.repeat(2, 1).repeat(2, 2)
    assert (fitted.predict(large) == fitted.predict(images)).mean() > 0.8


def test_a_saved_classifier_answers_the_same(fitted, tmp_path):
    """One ONNX file holds network, classes and preprocessing."""
    images, _ = stripes(20, 3)
    fitted.save(tmp_path / "model.onnx")
    loaded = ImageClassifier.load(tmp_path / "model.onnx")
    assert loaded.classes_.tolist() == fitted.classes_.tolist()
    assert loaded.preprocess_ == fitted.preprocess_
    expected = fitted.predict_proba(images)
    np.testing.assert_allclose(loaded.predict_proba(images), expected, atol=1e-5)
    np.testing.assert_array_equal(loaded.predict(images), fitted.predict(images))
    with pytest.raises(UnsupportedError, match="loaded from a file"):
        loaded.save(tmp_path / "again.onnx")


def test_a_file_without_classes_is_refused(tmp_path):
    """A network that does not say its classes is no classifier yet."""
    from allconv import onnx

    onnx.save(nn.Linear(3, 2), tmp_path / "net.onnx", (None, 3))
    with pytest.raises(FileError, match="does not say its classes"):
        ImageClassifier.load(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c, x, y: c.fit(x), ArgumentError, "y is missing"),
        (lambda c, x, y: c.fit(x, y[:-1]), ShapeError, "48 images, y has 47 labels"),
        (lambda c, x, y: c.fit(x, y * 0), FileError, "only one class"),
        (lambda c, x, y: c.set_params(model="vgg").fit(x, y), ArgumentError, "no network 'vgg'"),
        (lambda c, x, y: c.set_params(model=3).fit(x, y), ArgumentError, "model must be one of"),
        (
            lambda c, x, y: c.set_params(epochs=0).fit(x, y),
            ArgumentError,
            "epochs is 0; it must be at least 1",
        ),
        (lambda c, x, y: c.predict(x), Error, "call fit first"),
        (lambda c, x, y: c.save("model.onnx"), Error, "call fit first"),
    ],
)
def test_wrong_calls_are_refused(call, error, message):
    """Each is one sentence with what would do."""
    images, labels = stripes(48)
    with pytest.raises(error, match=message):
        call(classifier(), images, labels)


def test_wrong_images_are_refused(fitted):
    """Colour for a network of grey images, and labels that do not match."""
    with pytest.raises(ShapeError, match=r"x is \(2, 8, 8, 3\), images with 3 channels"):
        fitted.predict(np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(ShapeError, match="there are 6 images"):
        fitted.score(stripes(6)[0], NAMES)
    part = Part(stripes(6)[0][..., None], stripes(6)[1])
    assert 0 <= fitted.score(part) <= 1
