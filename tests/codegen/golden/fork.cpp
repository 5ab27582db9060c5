// net.0: copies every beat to 2 streams
namespace config {
struct net_unit {
    static const unsigned beats = 3;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out_0, hls::stream<data::z>& out_1) {
    hpq::fork<config::net_unit>(in, out_0, out_1);
}
}  // namespace kernel
