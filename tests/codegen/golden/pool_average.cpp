// net.0: average of 3 taps, 2 elements at a time
namespace config {
struct net_unit {
    typedef ap_fixed<6,4> sum_t;
    typedef ap_fixed<10,3> accumulator_t;
    typedef ap_ufixed<5,0> reciprocal_t;
    typedef hpq::free_multiplier multiplier;
    static const unsigned long long reciprocal = 11;
    typedef hpq::no_clip clip;
    static const unsigned beats = 5;
    static const unsigned positions = 1, taps = 3, lanes = 2;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    hpq::average_pool<config::net_unit>(in, out);
}
}  // namespace kernel
