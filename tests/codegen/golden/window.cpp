// net.0: sliding window 2x2, stride 1x1, over 1x4x4
namespace config {
struct net_unit {
    static const int pixels = 1, windows = 1, chunks = 1;
    static const int height = 4, width = 4;
    static const int kernel_h = 2, kernel_w = 2;
    static const int stride_h = 1, stride_w = 1;
    static const int dilation_h = 1, dilation_w = 1;
    static const int span_h = 2;
    static const int first_y = 1, first_x = 1;
    static const int last_column = 1, advance = 1;
    static const int phases = 1, late = 0;
    static const int past = 1, oldest = 0;
    static const int pad_top = 0, pad_beats = 1;
    static const int out_height = 3, out_beats = 5;
    static const int scan_h = 4, scan_w = 6;
    static const bool by_channel = false;
    static const long long pad_value = 0;
};
}  // namespace config

namespace kernel {
static void net_unit(hls::stream<data::x>& in, hls::stream<data::y>& out) {
// The rows above: 1; and the columns to the left: 1.
    ap_fixed<4,2> lines[1][6][1];
#pragma HLS bind_storage variable=lines type=ram_s2p impl=lutram
#pragma HLS dependence variable=lines type=inter direction=RAW distance=6 dependent=true
    ap_fixed<4,2> columns[1][1][2];
#pragma HLS array_partition variable=columns type=complete dim=0
    hpq::window<config::net_unit>(in, out, lines, columns);
}
}  // namespace kernel
