// net.0: 1 x 4x3 matrix, vectors: 2, PE 2, SIMD 1, leaky -0.75 .. 1
namespace config {
struct net_unit {
    typedef ap_fixed<3,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_fixed<8,4> accumulator_t;
    typedef hpq::free_multiplier multiplier;
    static const unsigned vectors = 2;
    static const unsigned groups = 1, rows = 4, cols = 3;
    typedef ap_fixed<4,2> slope_t;
    typedef ap_fixed<10,4> leaky_t;
    typedef hpq::no_clip clip;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    static const hpq::rom<config::net_unit::weight_t>::type weight[6][2] = {
#include "tables/net_unit_weight.inc"
    };
#pragma HLS array_reshape variable=weight type=complete dim=2
#pragma HLS bind_storage variable=weight type=rom_1p impl=lutram
    static const hpq::rom<config::net_unit::bias_t>::type bias[2][2] = {
#include "tables/net_unit_bias.inc"
    };
#pragma HLS array_reshape variable=bias type=complete dim=2
#pragma HLS bind_storage variable=bias type=rom_1p impl=lutram
    static const hpq::rom<config::net_unit::slope_t>::type slope[2][2] = {
#include "tables/net_unit_slope.inc"
    };
#pragma HLS array_reshape variable=slope type=complete dim=2
#pragma HLS bind_storage variable=slope type=rom_1p impl=lutram
    ap_fixed<4,2> vector[3][1];
#pragma HLS array_partition variable=vector type=complete dim=0
    hpq::matvec<config::net_unit>(in, out, weight, bias, hpq::no_shift(), slope, vector);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 2 words of 2, raw integers of ap_fixed<5,2> (10 bits a word)
{4, 6},
{11, -7},

// ==== src/tables/net_unit_slope.inc
// net.0: slope, 2 words of 2, raw integers of ap_fixed<4,2> (8 bits a word)
{1, 0},
{4, -3},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 6 words of 2, raw integers of ap_fixed<3,1> (6 bits a word)
{2, 0},
{0, -3},
{-3, 2},
{2, -4},
{0, -2},
{-4, -1},
