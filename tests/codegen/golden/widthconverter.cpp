// net.0: from 1 to 3 elements per beat
namespace config {
struct net_unit {
    static const unsigned beats = 2;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    hpq::widen<config::net_unit>(in, out);
}
}  // namespace kernel
