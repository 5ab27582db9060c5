// net.0: cast to ap_ufixed<4,2,AP_RND_CONV,AP_SAT>, ReLU
namespace config {
struct net_unit {
    typedef ap_fixed<6,2> accumulator_t;
    static const unsigned beats = 8;
    typedef hpq::relu clip;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    hpq::cast<config::net_unit>(in, out);
}
}  // namespace kernel
