"""Runs counter_test.py on the simulator of counter.sv that lies in the current folder."""

import sys
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

sys.path.insert(0, str(Path(__file__).resolve().parent))  # the runner hands it on to the simulation
results = get_runner("verilator").test(
    hdl_toplevel="counter",
    hdl_toplevel_lang="verilog",
    test_module="counter_test",
    build_dir=".",
    test_dir=".",
)
tests, failures = get_results(results)
sys.exit(0 if (tests, failures) == (1, 0) else f"{failures} of {tests} cocotb tests failed")
