// net.0: 1 x 4x3 matrix, vectors: 2, PE 2, SIMD 1, sums of rows shifted by up to 2 bits, ReLU
namespace config {
struct net_unit {
    typedef ap_fixed<3,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_ufixed<2,2> shift_t;
    typedef ap_fixed<8,4> accumulator_t;
    // In LUTs at any width, so that DSP blocks are left to other layers: `multipliers` of this layer is fabric.
    struct multiplier {
        template <class A, class B>
        static typename hpq::product<A, B>::type apply(const A& a, const B& b) {
#pragma HLS inline
            const typename hpq::product<A, B>::type product = a * b;
#pragma HLS bind_op variable=product op=mul impl=fabric
            return product;
        }
    };
    static const unsigned vectors = 2;
    static const unsigned groups = 1, rows = 4, cols = 3;
    typedef hpq::relu clip;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
    static const hpq::rom<config::net_unit::weight_t>::type weight[6][2] = {
#include "tables/net_unit_weight.inc"
    };
#pragma HLS array_reshape variable=weight type=complete dim=2
#pragma HLS bind_storage variable=weight type=rom_1p impl=lutram
    static const hpq::rom<config::net_unit::bias_t>::type bias[2][2] = {
#include "tables/net_unit_bias.inc"
    };
#pragma HLS array_reshape variable=bias type=complete dim=2
#pragma HLS bind_storage variable=bias type=rom_1p impl=lutram
    static const hpq::rom<config::net_unit::shift_t>::type shift[2][2] = {
#include "tables/net_unit_shift.inc"
    };
#pragma HLS array_reshape variable=shift type=complete dim=2
#pragma HLS bind_storage variable=shift type=rom_1p impl=lutram
    ap_fixed<4,2> vector[3][1];
#pragma HLS array_partition variable=vector type=complete dim=0
    hpq::matvec<config::net_unit>(in, out, weight, bias, shift, vector);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 2 words of 2, raw integers of ap_fixed<5,2> (10 bits a word)
{4, 6},
{11, -7},

// ==== src/tables/net_unit_shift.inc
// net.0: shift, 2 words of 2, raw integers of ap_ufixed<2,2> (4 bits a word)
{0, 1},
{2, 0},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 6 words of 2, raw integers of ap_fixed<3,1> (6 bits a word)
{2, 0},
{0, -3},
{-3, 2},
{2, -4},
{0, -2},
{-4, -1},
