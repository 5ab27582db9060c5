// net.0: 1 x 5x3 matrix, vectors: 2, PE 5, SIMD 3
namespace config {
struct net_unit {
    typedef ap_fixed<4,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_fixed<9,4> accumulator_t;
    typedef hpq::free_multiplier multiplier;
    // Products of 3 rows share a DSP block.
    struct shared_multiplier {
        template <int A, int B>
        static ap_int<A + B> apply(const ap_int<A>& a, const ap_int<B>& b) {
#pragma HLS inline
            const ap_int<A + B> product = a * b;
#pragma HLS bind_op variable=product op=mul impl=dsp
            return product;
        }
    };
    typedef hpq::rows_packed<3, 9, 9, true> rows_t;
    static const unsigned vectors = 2;
    static const unsigned groups = 1, rows = 5, cols = 3;
    typedef hpq::no_clip clip;
};
}  // namespace config

namespace kernel {
static const unsigned long long net_unit_weight[1][1][1] = {
#include "tables/net_unit_weight.inc"
};

static const unsigned net_unit_bias[1][1][1] = {
#include "tables/net_unit_bias.inc"
};

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS array_partition variable=net_unit_weight type=complete dim=0
#pragma HLS array_partition variable=net_unit_bias type=complete dim=0
    ap_fixed<4,2> vector[1][1][3];
#pragma HLS array_partition variable=vector type=complete dim=0
    hpq::matvec<config::net_unit>(in, out, net_unit_weight, net_unit_bias, vector);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 1 words of 5, raw integers of ap_fixed<5,2> (25 bits a word)
{
{0xc8ea95U},
},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 1 words of 15, raw integers of ap_fixed<4,1>, less 1 where those below in the factor are negative (60 bits a word)
{
{0xbefed98043aba04ULL},
},
