"""`Backend`: what the onnx package asks of a runtime, for its own suite of tests among others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onnx.backend.base import Backend as OnnxBackend
from onnx.backend.base import BackendRep, namedtupledict

from allconv.errors import ArgumentError, Error
from allconv.onnx.runtime.session import InferenceSession


class PreparedModel(BackendRep):
    """A network that is ready to run."""

    def __init__(self, session: InferenceSession) -> None:
        self.session = session

    def run(self, inputs: Any, **settings: Any) -> tuple[Any, ...]:
        """The outputs, by place and by name, for the inputs in order (or one array, or by name)."""
        names = [each.name for each in self.session.get_inputs()]
        if isinstance(inputs, Mapping):
            feed = dict(inputs)
        else:
            given = inputs if isinstance(inputs, Sequence) else [inputs]
            if len(given) != len(names):
                raise ArgumentError(f"{len(given)} inputs are given; {len(names)} are expected")
            feed = dict(zip(names, given, strict=True))
        outputs = self.session.run(None, feed)
        made = namedtupledict("Outputs", [each.name for each in self.session.get_outputs()])
        results: tuple[Any, ...] = made(*outputs)
        return results


class Backend(OnnxBackend):
    """allconv as a backend of the onnx package: `onnx.backend.test.BackendTest(Backend, ...)`."""

    @classmethod
    def is_compatible(cls, model: Any, device: str = "CPU", **settings: Any) -> bool:
        """Whether a model is read."""
        try:
            InferenceSession(model)
        except Error:
            return False
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **settings: Any) -> PreparedModel:
        """A model ready to run."""
        return PreparedModel(InferenceSession(model))

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str = "CPU", **settings: Any) -> Any:
        """The outputs of a model."""
        return cls.prepare(model, device).run(inputs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """The processor alone."""
        return device.split(":")[0] == "CPU"
