// usage: products <pairs> <results>: feeds pairs of 32-bit numbers, writes 64 bits per case and pair, eight clock
// cycles later.
#include <cstdint>
#include <fstream>

#include "Vbench.h"
#include "verilated.h"

int main(int, char** argv) {
    VerilatedContext context;
    Vbench bench{&context};
    std::ifstream pairs(argv[1], std::ios::binary);
    std::ofstream results(argv[2], std::ios::binary);
    for (uint32_t pair[2]; pairs.read(reinterpret_cast<char*>(pair), sizeof pair);) {
        bench.x = pair[0] & 0x3ffff;
        bench.w = pair[1] & 0x3ffff;
        for (int edge = 0; edge < 16; ++edge) {
            bench.clk = edge % 2;
            bench.eval();
        }
        results.write(reinterpret_cast<const char*>(&bench.y), sizeof bench.y);
    }
    bench.final();
    return 0;
}
