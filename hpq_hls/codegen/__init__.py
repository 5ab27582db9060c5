"""Dataflow -> files, one module per backend."""
