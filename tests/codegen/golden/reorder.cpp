// net.0: 6 elements in another order, 2 at a time
namespace config {
struct net_unit {
    static const unsigned atom = 1, beats = 3;
    static const unsigned entry_bits = 3, word_bits = 2, place_bits = 1;
};
}  // namespace config

namespace kernel {
static const unsigned char net_unit_index[1][3][1] = {
#include "tables/net_unit_index.inc"
};

static void net_unit_fill(hls::stream<data::x>& in, ap_fixed<4,2> (&memory)[2][3][2]) {
    hpq::reorder_fill<config::net_unit>(in, memory);
}

static void net_unit_read(ap_fixed<4,2> (&memory)[2][3][2], hls::stream<data::y>& out) {
#pragma HLS bind_storage variable=net_unit_index type=rom_1p impl=lutram
    hpq::reorder_read<config::net_unit>(memory, out, net_unit_index);
}

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS dataflow
    ap_fixed<4,2> memory[2][3][2];
#pragma HLS array_partition variable=memory type=complete dim=1
#pragma HLS array_reshape variable=memory type=complete dim=3
#pragma HLS bind_storage variable=memory type=ram_s2p impl=lutram
    net_unit_fill(in, memory);
    net_unit_read(memory, out);
}
}  // namespace kernel

// ==== src/tables/net_unit_index.inc
// net.0: index, 3 words of 2, words and places in them (6 bits a word)
{
{0x25},
{0x13},
{0x1},
},
