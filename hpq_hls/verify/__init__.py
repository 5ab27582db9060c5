"""Proves the generated files equal to the simulator: C simulation with g++, co-simulation with Verilator."""
