// net.0: max of 3 elements, 2 at a time
namespace config {
struct net_unit {
    typedef ap_uint<1> index_t;
    static const bool smallest = false;
    static const unsigned outer = 2, steps = 3, chunks = 2;
    static const unsigned positions = 1, taps = 1, lanes = 2;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    ap_fixed<4,2> kept[1][2][2];
#pragma HLS array_reshape variable=kept type=complete dim=3
#pragma HLS bind_storage variable=kept type=ram_s2p impl=lutram
#pragma HLS dependence variable=kept type=inter direction=RAW distance=2 dependent=true
    hpq::extreme<config::net_unit>(in, out, kept);
}
}  // namespace kernel
