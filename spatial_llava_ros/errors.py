"""Errors a user can act on. Each message is one line that names the offending value."""

from __future__ import annotations


class SpatialLlavaError(Exception):
    """Base of every error this package raises on purpose; the command line prints it and exits with 2."""


class InvalidInputError(SpatialLlavaError):
    """A file, message, parameter or argument that cannot be used, and why."""


class ExpressionError(InvalidInputError):
    """A referring expression that is empty, too long or not text."""


class MissingDependencyError(SpatialLlavaError):
    """Something optional is needed here and is not installed; the message says how to get it."""


class UnknownObjectError(InvalidInputError):
    """An object id that is not in the memory."""


class MemoryFileError(InvalidInputError):
    """A saved memory that cannot be read or written: damaged, of another version, or no room for it."""
