"""Emitted C++ as clocked hardware: its dataflow processes, compiled by clang, as state machines in
Verilog."""
