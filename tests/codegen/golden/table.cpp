// net.0: table of 8 words, any function, 2 elements at a time
namespace config {
struct net_unit {
    typedef ap_ufixed<3,1> value_t;
    static const unsigned beats = 8;
    static const unsigned index = 3;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    static const hpq::rom<config::net_unit::value_t>::type values[8] = {
#include "tables/net_unit_values.inc"
    };
#pragma HLS bind_storage variable=values type=rom_np impl=lutram
    hpq::look_up<config::net_unit>(in, out, values);
}
}  // namespace kernel

// ==== src/tables/net_unit_values.inc
// net.0: values, 8 words of 1, any function (3 bits a word)
6,
5,
4,
2,
2,
0,
0,
0,
