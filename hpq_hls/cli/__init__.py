"""The ``hpq`` command."""

from hpq_hls.cli.app import app, main

__all__ = ["app", "main"]
