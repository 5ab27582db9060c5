"""The cocotb test that `hpq doctor` runs on counter.sv."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly


@cocotb.test()
async def counts(dut: cocotb.handle.HierarchyObject) -> None:
    """Ten cycles after reset the counter says ten."""
    dut.ap_rst_n.value = 0
    Clock(dut.ap_clk, 2, unit="ns").start()
    await ClockCycles(dut.ap_clk, 2)
    dut.ap_rst_n.value = 1
    await ClockCycles(dut.ap_clk, 10)
    await ReadOnly()
    assert dut.m_count.value.to_unsigned() == 10
