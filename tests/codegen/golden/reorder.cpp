// net.0: 6 elements in another order, 2 at a time
namespace config {
struct net_unit {
    static const unsigned words = 3, atom = 1, beats = 3;
    static const unsigned word_bits = 2, place_bits = 1;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS dataflow
    static const unsigned index[3][2] = {
#include "tables/net_unit_index.inc"
    };
#pragma HLS array_reshape variable=index type=complete dim=2
#pragma HLS bind_storage variable=index type=rom_1p impl=lutram
    ap_fixed<4,2> memory[3][2];
#pragma HLS array_reshape variable=memory type=complete dim=2
    hpq::reorder_fill<config::net_unit>(in, memory);
    hpq::reorder_read<config::net_unit>(memory, out, index);
}
}  // namespace kernel

// ==== src/tables/net_unit_index.inc
// net.0: index, 3 words of 2, words and places in them (6 bits a word)
{5, 4},
{3, 2},
{1, 0},
