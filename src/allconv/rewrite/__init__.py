"""Rewrites: one graph in, an equal one out. One rewrite a file, its cases in its docstring."""
