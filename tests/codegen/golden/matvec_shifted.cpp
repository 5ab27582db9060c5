// net.0: 1 x 4x3 matrix, vectors: 2, PE 2, SIMD 1, sums of rows shifted by up to 2 bits, ReLU
namespace config {
struct net_unit {
    typedef ap_fixed<3,1> weight_t;
    typedef ap_fixed<5,2> bias_t;
    typedef ap_ufixed<2,2> shift_t;
    typedef ap_fixed<8,4> accumulator_t;
    // In LUTs at any width, so that DSP blocks are left to other layers: `multiplier` of this layer is lut.
    struct multiplier {
        template <class A, class B>
        static typename hpq::product<A, B>::type apply(const A& a, const B& b) {
#pragma HLS inline
            const typename hpq::product<A, B>::type product = a * b;
#pragma HLS bind_op variable=product op=mul impl=fabric
            return product;
        }
    };
    typedef hpq::rows_apart rows_t;
    static const unsigned vectors = 2;
    static const unsigned groups = 1, rows = 4, cols = 3;
    typedef hpq::relu clip;
};
}  // namespace config

namespace kernel {
static const unsigned char net_unit_weight[1][6][1] = {
#include "tables/net_unit_weight.inc"
};

static const unsigned short net_unit_bias[1][2][1] = {
#include "tables/net_unit_bias.inc"
};

static const unsigned char net_unit_shift[1][2][1] = {
#include "tables/net_unit_shift.inc"
};

static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
#pragma HLS bind_storage variable=net_unit_weight type=rom_1p impl=lutram
#pragma HLS bind_storage variable=net_unit_bias type=rom_1p impl=lutram
#pragma HLS bind_storage variable=net_unit_shift type=rom_1p impl=lutram
    ap_fixed<4,2> vector[1][3][1];
#pragma HLS bind_storage variable=vector type=ram_s2p impl=lutram
#pragma HLS dependence variable=vector type=inter direction=RAW distance=3 dependent=true
    hpq::matvec<config::net_unit>(in, out, net_unit_weight, net_unit_bias, net_unit_shift, vector);
}
}  // namespace kernel

// ==== src/tables/net_unit_bias.inc
// net.0: bias, 2 words of 2, raw integers of ap_fixed<5,2> (10 bits a word)
{
{0xc4},
{0x32b},
},

// ==== src/tables/net_unit_shift.inc
// net.0: shift, 2 words of 2, raw integers of ap_ufixed<2,2> (4 bits a word)
{
{0x4},
{0x2},
},

// ==== src/tables/net_unit_weight.inc
// net.0: weight, 6 words of 2, raw integers of ap_fixed<3,1> (6 bits a word)
{
{0x2},
{0x28},
{0x15},
{0x22},
{0x30},
{0x3c},
},
