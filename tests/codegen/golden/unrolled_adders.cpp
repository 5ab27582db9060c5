// net.0: 1 x 2x2 matrix, unrolled, 1 at once, 2 adders each
namespace config {
struct net_unit {
    typedef ap_fixed<3,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_fixed<7,3> accumulator_t;
    typedef hpq::free_multiplier multiplier;
    static const unsigned beats = 2, positions = 1;
    static const unsigned groups = 1, rows = 2, cols = 2;
    typedef hpq::no_clip clip;
    typedef hpq::number<ap_fixed<4,2> >::raw element_t;
    typedef ap_int<7> sum_t;
    typedef ap_fixed<7, 3> product_t;

    // weights * x with 2 adders, at most 1 in a row. Every sum has just
    // the bits that its values need.
    static void multiply(const element_t x[groups * cols], sum_t y[groups * rows]) {
#pragma HLS inline
        const ap_int<4> x0 = x[0];
        const ap_int<4> x1 = x[1];
        const ap_int<6> n0 = x0 - (ap_int<6>(x1) << 1);
        const ap_int<6> n1 = x1 - (ap_int<6>(x1) << 2);
        y[0] = (ap_int<7>(n0) << 1);
        y[1] = n1;
    }
};
}  // namespace config

namespace kernel {
static const unsigned short net_unit_bias[1][1][1] = {
#include "tables/net_unit_bias.inc"
};

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS array_partition variable=net_unit_bias type=complete dim=0
    config::net_unit::element_t vector[2];
#pragma HLS array_partition variable=vector type=complete dim=0
    config::net_unit::sum_t sums[2];
#pragma HLS array_partition variable=sums type=complete dim=0
    hpq::adders<config::net_unit>(in, out, net_unit_bias, vector, sums);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 1 words of 2, raw integers of ap_fixed<5,2> (10 bits a word)
{
{0x3e3},
},
