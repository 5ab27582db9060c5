// Drives every design of a batch: frames in from a file, beats out to a file.
//
// usage: streams <jobs> [+verilator+...]; one line of <jobs> per design:
//   in_bytes out_bytes in_beats out_beats frame_beats seed valid ready reset_at input output
// valid, ready: chance in percent that a beat is offered or taken in a cycle. reset_at: cycle of a
// reset after which everything is sent again, 0 for none. The output file gets one record per beat:
// cycle, flags (bit 0 TLAST, bit 1 all of TKEEP and TSTRB), the data padded to 4 bytes; then one
// number per input beat: the cycle in which it was taken.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "Vbench.h"
#include "verilated.h"

namespace {

constexpr int kInitialReset = 3, kReset = 2, kQuiet = 400, kStuck = 20000;

struct Design {
    size_t in_bytes, out_bytes, in_beats, out_beats, frame_beats;
    uint64_t seed;
    unsigned valid, ready;
    uint64_t reset_at;
    std::string input, output;

    std::vector<uint8_t> data, records;
    std::vector<uint32_t> taken;
    size_t sent = 0, received = 0;
    bool offering = false, accepting = false, waiting = false;
    std::vector<uint8_t> held;  // an output beat that was valid but not taken

    bool chance(unsigned percent) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (seed >> 33) % 100 < percent;
    }
    void restart() {
        sent = received = 0;
        offering = accepting = waiting = false;
        records.clear();
        taken.clear();
    }
};

template <typename Wide>
void set_bit(Wide& vector, size_t index, bool value) {
    const uint32_t mask = 1u << (index % 32);
    vector[index / 32] = value ? vector[index / 32] | mask : vector[index / 32] & ~mask;
}

template <typename Wide>
bool bit(const Wide& vector, size_t index) {
    return vector[index / 32] >> (index % 32) & 1;
}

void put(std::vector<uint8_t>& bytes, uint32_t value) {
    for (int i = 0; i < 4; ++i) bytes.push_back(value >> (8 * i) & 255);
}

std::vector<Design> read_jobs(const char* name) {
    std::vector<Design> designs;
    std::ifstream jobs(name);
    for (std::string line; std::getline(jobs, line);) {
        std::istringstream text(line);
        Design d{};
        text >> d.in_bytes >> d.out_bytes >> d.in_beats >> d.out_beats >> d.frame_beats >> d.seed >> d.valid >>
            d.ready >> d.reset_at >> d.input >> d.output;
        std::ifstream file(d.input, std::ios::binary);
        d.data.assign(std::istreambuf_iterator<char>(file), {});
        if (!text || d.data.size() != d.in_bytes * d.in_beats) {
            std::cerr << "bad job: " << line << "\n";
            std::exit(2);
        }
        designs.push_back(std::move(d));
    }
    return designs;
}

}  // namespace

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    std::vector<Design> designs = read_jobs(argv[1]);
    Vbench bench{&context};
    const size_t in_words = sizeof(bench.s_data) / 4 / designs.size();
    const size_t out_words = sizeof(bench.m_data) / 4 / designs.size();

    uint64_t last_event = 0;
    int status = 0;
    for (uint64_t cycle = 0;; ++cycle) {
        bool finished = true;
        for (size_t i = 0; i < designs.size(); ++i) {
            Design& d = designs[i];
            const bool again = d.reset_at && cycle >= d.reset_at && cycle < d.reset_at + kReset;
            const bool reset = cycle < kInitialReset || again;
            if (reset) d.restart();
            set_bit(bench.rst_n, i, !reset);
            if (!d.offering) d.offering = !reset && d.sent < d.in_beats && d.chance(d.valid);
            d.accepting = !reset && d.chance(d.ready);
            set_bit(bench.s_valid, i, d.offering);
            set_bit(bench.s_last, i, (d.sent + 1) % d.frame_beats == 0);
            set_bit(bench.m_ready, i, d.accepting);
            if (d.offering)
                std::memcpy(reinterpret_cast<uint8_t*>(&bench.s_data[i * in_words]), &d.data[d.sent * d.in_bytes],
                            d.in_bytes);
            finished = finished && !reset && cycle > d.reset_at && d.received >= d.out_beats;
        }
        if (finished && cycle > last_event + kQuiet) break;
        if (cycle > last_event + kStuck) {
            std::cerr << "nothing happens any more\n";
            break;
        }
        bench.clk = 0;
        bench.eval();
        for (size_t i = 0; i < designs.size(); ++i) {
            Design& d = designs[i];
            if (!bit(bench.rst_n, i)) continue;
            if (d.offering && bit(bench.s_ready, i)) {
                d.taken.push_back(cycle);
                d.offering = false;
                ++d.sent;
                last_event = cycle;
            }
            const uint8_t* beat = reinterpret_cast<const uint8_t*>(&bench.m_data[i * out_words]);
            const bool valid = bit(bench.m_valid, i);
            if (d.waiting && (!valid || std::memcmp(beat, d.held.data(), d.held.size()) != 0)) {
                std::cerr << "design " << i << ": an offered beat was withdrawn\n";
                status = 1;
            }
            d.waiting = valid && !d.accepting;
            d.held.assign(beat, beat + d.out_bytes);
            if (valid && d.accepting) {
                put(d.records, cycle);
                put(d.records, bit(bench.m_last, i) | bit(bench.m_strobes, i) << 1);
                for (size_t k = 0; k < (d.out_bytes + 3) / 4 * 4; ++k) d.records.push_back(beat[k]);
                ++d.received;
                last_event = cycle;
            }
        }
        bench.clk = 1;
        bench.eval();
    }
    for (const Design& d : designs) {
        std::ofstream file(d.output, std::ios::binary);
        file.write(reinterpret_cast<const char*>(d.records.data()), d.records.size());
        file.write(reinterpret_cast<const char*>(d.taken.data()), d.taken.size() * 4);
    }
    std::cout << bench.probe[0] << " " << bench.probe[1] << " " << bench.probe[2] << "\n";
    bench.final();
    return status;
}
