// usage: casts <numbers> <results>: feeds 64-bit numbers, writes 32 bits per case and number.
#include <cstdint>
#include <fstream>

#include "Vbench.h"
#include "verilated.h"

int main(int, char** argv) {
    VerilatedContext context;
    Vbench bench{&context};
    std::ifstream numbers(argv[1], std::ios::binary);
    std::ofstream results(argv[2], std::ios::binary);
    for (int64_t x; numbers.read(reinterpret_cast<char*>(&x), sizeof x);) {
        bench.x = x;
        bench.eval();
        results.write(reinterpret_cast<const char*>(&bench.y), sizeof bench.y);
    }
    bench.final();
    return 0;
}
