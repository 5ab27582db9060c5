// usage: packed <vectors> <results>: feeds a vector (all of x, then all of w) every clock cycle, and writes y as it
// is in front of each.
#include <fstream>

#include "Vbench.h"
#include "verilated.h"

int main(int, char** argv) {
    VerilatedContext context;
    Vbench bench{&context};
    std::ifstream vectors(argv[1], std::ios::binary);
    std::ofstream results(argv[2], std::ios::binary);
    while (vectors.read(reinterpret_cast<char*>(&bench.x), sizeof bench.x) &&
           vectors.read(reinterpret_cast<char*>(&bench.w), sizeof bench.w)) {
        bench.clk = 0;
        bench.eval();
        results.write(reinterpret_cast<const char*>(&bench.y), sizeof bench.y);
        bench.clk = 1;
        bench.eval();
    }
    bench.final();
    return 0;
}
