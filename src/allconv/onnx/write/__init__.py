"""A network, a function or a graph to the bytes of a file."""
