// net.0: beats of 2 streams side by side
namespace kernel {
static const short net_unit_index[2] = {
#include "tables/net_unit_index.inc"
};

static void net_unit(hls::stream<data::a>& in_0, hls::stream<data::b>& in_1, hls::stream<data::y>& out) {
#pragma HLS array_partition variable=net_unit_index type=complete dim=0
net_unit_beats:
    for (unsigned i = 0; i < 2; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
    data::y given, y;
    hpq::take<true>(in_0, given, 0);
    hpq::take<true>(in_1, given, 1);
    for (unsigned l = 0; l < 2; ++l) {
#pragma HLS unroll
        y.data[l] = given.data[net_unit_index[l]];
    }
    out.write(y);
    }
}
}  // namespace kernel

// ==== src/tables/net_unit_index.inc
// element of all inputs
1,
0,
