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
static const unsigned char net_unit_weight[1][1][3] = {
#include "tables/net_unit_weight.inc"
};

static const unsigned short net_unit_bias[1][1][1] = {
#include "tables/net_unit_bias.inc"
};

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS array_partition variable=net_unit_weight type=complete dim=0
#pragma HLS array_partition variable=net_unit_bias type=complete dim=0
    hpq::channel_mac<config::net_unit>(in, out, net_unit_weight, net_unit_bias);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 1 words of 2, raw integers of ap_fixed<5,2> (10 bits a word)
{
{0x271},
},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 1 words of 6, raw integers of ap_fixed<3,1> (18 bits a word)
{
{0x2a, 0x50, 0x1},
},
