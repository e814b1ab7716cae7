"""The errors that allconv raises.

    Error
    ├── ArgumentError (ValueError)     a setting outside what is allowed
    ├── ShapeError (ValueError)        arrays or layers whose shapes do not fit together
    ├── FileError (ValueError)         a file or folder that cannot be read, written or understood
    ├── LimitError (ValueError)        something larger, or deeper, than a limit
    ├── UnsupportedError (ValueError)  legal, but not done here
    └── TraceError (TypeError)         Python that cannot be recorded while a network is traced

A message names what was given, what was expected and what would do. `at` puts the path of a layer
("4 (Linear)") in front of a message while an error passes through a network.
"""

from __future__ import annotations


class Error(Exception):
    """Base of every error of allconv."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = ""

    def at(self, path: str) -> Error:
        """Put the path of a layer in front of the message, once, and return the error."""
        if path and not self.path:
            self.path = path
        return self

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ArgumentError(Error, ValueError):
    """A setting is outside what is allowed."""


class ShapeError(Error, ValueError):
    """Shapes do not fit together."""


class FileError(Error, ValueError):
    """A file or folder cannot be read, written or understood."""


class LimitError(Error, ValueError):
    """Something is larger, or nested more deeply, than a limit."""


class UnsupportedError(Error, ValueError):
    """Legal, but allconv does not do it."""


class TraceError(Error, TypeError):
    """Python that cannot be recorded while a network is traced."""
