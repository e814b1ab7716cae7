"""The bytes of a file to a checked `Model`: nothing is run, nothing is computed."""
