"""The bytes of a file to a checked `OnnxModel`: nothing is run, nothing is computed."""
