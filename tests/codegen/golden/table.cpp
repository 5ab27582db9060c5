// net.0: table of 8 words, any function, 2 elements at a time
namespace config {
struct net_unit {
    typedef ap_ufixed<3,1> value_t;
    static const unsigned beats = 8;
    static const unsigned index = 3;
};
}  // namespace config

namespace kernel {
static const unsigned char net_unit_values[1][8][1] = {
#include "tables/net_unit_values.inc"
};

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS bind_storage variable=net_unit_values type=rom_np impl=lutram
    hpq::look_up<config::net_unit>(in, out, net_unit_values);
}
}  // namespace kernel

// ==== src/tables/net_unit_values.inc
// net.0: values, 8 words of 1, any function (3 bits a word)
{
{0x6},
{0x5},
{0x4},
{0x2},
{0x2},
{0x0},
{0x0},
{0x0},
},
