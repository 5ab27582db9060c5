// net.0: 3 beats of 1 constants for each frame, which is dropped
namespace kernel {
static const unsigned char net_unit_values[1][4][1] = {
#include "tables/net_unit_values.inc"
};

static void net_unit(hls::stream<data::a>& in_0, hls::stream<data::b>& in_1, hls::stream<data::y>& out) {
#pragma HLS bind_storage variable=net_unit_values type=rom_1p impl=lutram
net_unit_steps:
    for (unsigned step = 0; step < 4; ++step) {
#pragma HLS pipeline II=1 style=flp rewind
        // Whatever comes is dropped.
        if (step < 2) {
            in_0.read();
        }
        else if (step < 4) {
            in_1.read();
        }
        if (step < 3) {
            data::y y;
            for (unsigned l = 0; l < 1; ++l) {
#pragma HLS unroll
                y.data[l] = hpq::from_raw<ap_fixed<5,2,AP_RND,AP_SAT> >(hpq::rom_element<5>(net_unit_values, step % 4, l));
            }
            out.write(y);
        }
    }
}
}  // namespace kernel

// ==== src/tables/net_unit_values.inc
// net.0: values, 4 words of 1, what leaves in the steps of a frame (5 bits a word)
{
{0x3},
{0x1b},
{0x0},
{0x0},
},
