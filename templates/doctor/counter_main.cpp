// Drives counter.sv: two cycles of reset, then ten to count.
#include <cstdio>

#include "Vcounter.h"

int main() {
    VerilatedContext context;
    Vcounter dut(&context);
    for (int cycle = 0; cycle < 12; ++cycle) {
        dut.ap_rst_n = cycle >= 2;
        dut.ap_clk = 0;
        dut.eval();
        dut.ap_clk = 1;
        dut.eval();
    }
    std::printf("%d\n", dut.m_count);
    return dut.m_count == 10 ? 0 : 1;
}
