// net.0: 3 taps for each of 2 channels, 2 at a time
namespace config {
struct net_unit {
    typedef ap_fixed<3,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_fixed<8,4> accumulator_t;
    typedef hpq::free_multiplier multiplier;
    static const unsigned positions = 2;
    static const unsigned channels = 2, taps = 3;
    typedef hpq::no_clip clip;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    static const hpq::rom<config::net_unit::weight_t>::type weight[1][6] = {
#include "tables/net_unit_weight.inc"
    };
#pragma HLS array_partition variable=weight type=complete dim=0
    static const hpq::rom<config::net_unit::bias_t>::type bias[1][2] = {
#include "tables/net_unit_bias.inc"
    };
#pragma HLS array_partition variable=bias type=complete dim=0
    hpq::channel_mac<config::net_unit>(in, out, weight, bias);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 1 words of 2, raw integers of ap_fixed<5,2> (10 bits a word)
{-15, -13},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 1 words of 6, raw integers of ap_fixed<3,1> (18 bits a word)
{2, -3, 0, 0, -3, 2},
