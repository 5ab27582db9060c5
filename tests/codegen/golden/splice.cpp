// net.0: beats of 2 streams one after another, 1 elements at a time
namespace config {
struct net_unit {
    static const unsigned runs = 4, longest = 2;
    static const int entry_bits = 4, source_bits = 2, count_bits = 1;
};
}  // namespace config

namespace kernel {
static const unsigned char net_unit_runs[1][4][1] = {
#include "tables/net_unit_runs.inc"
};

static void net_unit(hls::stream<data::a>& in_0, hls::stream<data::b>& in_1, hls::stream<data::y>& out) {
#pragma HLS array_partition variable=net_unit_runs type=complete dim=0
    typedef config::net_unit numbers;
    hpq::counter<numbers::runs>::type run;
    hpq::counter<numbers::longest>::type count;
net_unit_beats:
    for (unsigned step = 0; step < 5; ++step) {
#pragma HLS pipeline II=1 style=flp rewind
        if (step == 0) {
            run = 0;
            count = 0;
        }
        // Whether its beats leave, the input they are taken from (2: zeros), how many less one. Logic, not a
        // memory: the next run depends on it in the same cycle.
        const ap_uint<numbers::entry_bits> entry = hpq::rom_element<numbers::entry_bits>(net_unit_runs, run, 0);
        const ap_uint<numbers::count_bits> last = entry;
        const ap_uint<numbers::source_bits> source = entry >> numbers::count_bits;
        const bool leaves = entry[numbers::entry_bits - 1];
        data::y y;
        switch (source.to_uint()) {
            case 0:
                hpq::take<true>(in_0, y, 0);
                break;
            case 1:
                hpq::take<true>(in_1, y, 0);
                break;
            default:
                for (unsigned l = 0; l < 1; ++l) {
#pragma HLS unroll
                    y.data[l] = hpq::from_raw<ap_fixed<5,2,AP_RND,AP_SAT> >(0);
                }
        }
        if (leaves) {
            out.write(y);
        }
        if (count == last) {
            count = 0;
            hpq::advance<numbers::runs>(run);
        } else {
            ++count;
        }
    }
}
}  // namespace kernel

// ==== src/tables/net_unit_runs.inc
// net.0: runs, 4 words of 1, whether it leaves, input, length - 1 (4 bits a word)
{
{0x8},
{0xb},
{0xc},
{0x0},
},
