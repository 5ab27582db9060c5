// net.0: max of 4 taps, 2 elements at a time
namespace config {
struct net_unit {
    static const unsigned beats = 5;
    static const unsigned positions = 1, taps = 4, lanes = 2;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    hpq::max_pool<config::net_unit>(in, out);
}
}  // namespace kernel
