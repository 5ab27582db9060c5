// net.0: 1 x 4x3 matrix, vectors: 2, PE 2, SIMD 1, leaky -0.75 .. 1
namespace config {
struct net_unit {
    typedef ap_fixed<3,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_fixed<8,4> accumulator_t;
    typedef hpq::free_multiplier multiplier;
    typedef hpq::rows_apart rows_t;
    static const unsigned vectors = 2;
    static const unsigned groups = 1, rows = 4, cols = 3;
    typedef ap_fixed<4,2> slope_t;
    typedef ap_fixed<10,4> leaky_t;
    static const unsigned slope_lanes = 2;
    typedef hpq::no_clip clip;
};
}  // namespace config

namespace kernel {
static const unsigned char net_unit_slope[1][2][1] = {
#include "tables/net_unit_slope.inc"
};

static const unsigned char net_unit_weight[1][6][1] = {
#include "tables/net_unit_weight.inc"
};

static const unsigned short net_unit_bias[1][2][1] = {
#include "tables/net_unit_bias.inc"
};

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS bind_storage variable=net_unit_slope type=rom_1p impl=lutram
#pragma HLS bind_storage variable=net_unit_weight type=rom_1p impl=lutram
#pragma HLS bind_storage variable=net_unit_bias type=rom_1p impl=lutram
    ap_fixed<4,2> vector[1][3][1];
#pragma HLS bind_storage variable=vector type=ram_s2p impl=lutram
#pragma HLS dependence variable=vector type=inter direction=RAW distance=3 dependent=true
    hpq::matvec<config::net_unit>(in, out, net_unit_weight, net_unit_bias, hpq::no_shift(), net_unit_slope, vector);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 2 words of 2, raw integers of ap_fixed<5,2> (10 bits a word)
{
{0xc4},
{0x32b},
},

// ==== src/tables/net_unit_slope.inc
// net.0: slope, 2 words of 2, raw integers of ap_fixed<4,2> (8 bits a word)
{
{0x1},
{0xd4},
},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 6 words of 2, raw integers of ap_fixed<3,1> (6 bits a word)
{
{0x2},
{0x28},
{0x15},
{0x22},
{0x30},
{0x3c},
},
