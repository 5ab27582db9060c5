// net.0: 1 x 2x3 matrix, vectors: 2, PE 1, SIMD 3
namespace config {
struct net_unit {
    typedef ap_fixed<3,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_fixed<8,4> accumulator_t;
    typedef hpq::free_multiplier multiplier;
    typedef hpq::rows_apart rows_t;
    static const unsigned vectors = 2;
    static const unsigned groups = 1, rows = 2, cols = 3;
    typedef hpq::no_clip clip;
};
}  // namespace config

namespace kernel {
static const unsigned short net_unit_weight[1][2][1] = {
#include "tables/net_unit_weight.inc"
};

static const unsigned char net_unit_bias[1][2][1] = {
#include "tables/net_unit_bias.inc"
};

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS bind_storage variable=net_unit_weight type=rom_1p impl=lutram
#pragma HLS bind_storage variable=net_unit_bias type=rom_1p impl=lutram
    ap_fixed<4,2> vector[1][1][3];
#pragma HLS array_partition variable=vector type=complete dim=0
    hpq::matvec<config::net_unit>(in, out, net_unit_weight, net_unit_bias, vector);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 2 words of 1, raw integers of ap_fixed<5,2> (5 bits a word)
{
{0x11},
{0x13},
},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 2 words of 3, raw integers of ap_fixed<3,1> (9 bits a word)
{
{0x142},
{0x85},
},
