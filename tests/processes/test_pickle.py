"""What was used goes to a spawned worker, or to a copy, and gives the same bits there."""

from __future__ import annotations

import pytest

from tiers import slowed

from .running import run

MAKE = {
    "network": "used = net; used(x)",
    "trained network": "used = net; used(x, training=True, seed=0)",
    "backward": "used = net; used.backward(x, used(x))",
    "program": "used = ac.compile(net, x.shape); used(x)",
    "program not called": "used = ac.compile(net, x.shape)",
    "program of a function": "used = ac.compile(np.abs, x.shape); used(x)",
    "onnx": """
import tempfile
with tempfile.TemporaryDirectory() as folder:
    ac.onnx.save(net, folder + "/model.onnx", x.shape)
    used = ac.onnx.load(folder + "/model.onnx")
used(x)
""",
}

SCRIPT = """
import copy, multiprocessing, operator, pickle
draw = np.random.default_rng(0)
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
x = draw.standard_normal((2, 1, 8, 8)).astype(np.float32)
{make}
if __name__ == "__main__":
    y = used(x)
    for same in (pickle.loads(pickle.dumps(used)), copy.copy(used), copy.deepcopy(used)):
        assert same(x).tobytes() == y.tobytes()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(operator.call, (used, x))
    assert there.tobytes() == y.tobytes()
    assert used(x).tobytes() == y.tobytes()
    print("fine")
"""


@pytest.mark.parametrize("made", slowed(MAKE, "program of a function"))
def test_what_was_used_is_pickled(made):
    """To a spawned worker, through bytes, and by both kinds of copy."""
    run(SCRIPT.format(make=MAKE[made]))


CLASSIFIER = """
import multiprocessing, operator, pickle
draw = np.random.default_rng(0)
images, labels = draw.integers(0, 256, (40, 12, 12), np.uint8), np.arange(40) % 2
if __name__ == "__main__":
    model = ac.ImageClassifier("plain", epochs=1).fit(images, labels)
    y = model.predict_proba(images)
    same = pickle.loads(pickle.dumps(model))
    assert same.predict_proba(images).tobytes() == y.tobytes()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(operator.methodcaller("predict_proba", images), (model,))
    assert there.tobytes() == y.tobytes()
    print("fine")
"""


@pytest.mark.slow
def test_a_classifier_is_pickled():
    """A fitted and used one, to a spawned worker and through bytes."""
    run(CLASSIFIER)
