"""A network under the names of others: ONNX Runtime's sessions, and the onnx package's backends."""
