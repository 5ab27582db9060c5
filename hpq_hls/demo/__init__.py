"""The demo: a real network, from training to verified hardware, in one command."""

from hpq_hls.demo.run import DemoResult, run_demo

__all__ = ["DemoResult", "run_demo"]
