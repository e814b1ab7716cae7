"""Training: `fit` for any network, `ImageClassifier` in scikit-learn's manners.

optimizers, schedules   settings by which weights change
objective, step         one step as one graph and one program
loop, run               epochs, validation, checkpoints
evaluate                accuracy, confusions, mistakes
"""

from allconv.train.callbacks import BeginInfo, Callback, StepInfo
from allconv.train.classifier import ImageClassifier
from allconv.train.evaluate import Confusion, Evaluation, Mistake, evaluate
from allconv.train.history import History, Record
from allconv.train.loop import fit
from allconv.train.optimizers import SGD, Adam, AdamW, Optimizer
from allconv.train.schedules import Constant, Cosine, OneCycle, Schedule, Step

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "BeginInfo",
    "Callback",
    "Confusion",
    "Constant",
    "Cosine",
    "Evaluation",
    "History",
    "ImageClassifier",
    "Mistake",
    "OneCycle",
    "Optimizer",
    "Record",
    "Schedule",
    "Step",
    "StepInfo",
    "evaluate",
    "fit",
]
