"""The errors a user can cause. Each message is one sentence: what is wrong, where, and what to do."""

from __future__ import annotations


class HpqError(Exception):
    """Base of every error that the user can act on; the command line prints it and exits non-zero."""


class ConfigError(HpqError):
    """A setting is missing, unknown, of the wrong type or out of range."""


class DataError(HpqError):
    """Input data has the wrong shape or type, is empty, or holds NaN or infinity."""


class UnsupportedOperatorError(HpqError):
    """The network uses an operator, or a mode of one, that has no exact hardware meaning here."""


class PrecisionError(HpqError):
    """A precision setting names an unknown layer or a width outside 1..32."""


class OutputError(HpqError):
    """The output folder cannot be written without losing something."""


class ToolError(HpqError):
    """An external tool is missing, failed, or printed something that cannot be understood."""


class CapacityError(HpqError):
    """The hardware needs more of a resource than the part has."""


class VerificationError(HpqError):
    """Hardware and simulator disagree."""
