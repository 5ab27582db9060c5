// net.0: beats of 2 streams one after another, 1 elements at a time
namespace kernel {
static void net_unit(hls::stream<data::a>& in_0, hls::stream<data::b>& in_1, hls::stream<data::y>& out) {
    // Runs of beats: whether they leave, the input they are taken from (2: zeros), how many.
    static const bool leaves[4] = {1, 1, 1, 0};
    static const unsigned source[4] = {0, 1, 2, 0};
    static const unsigned length[4] = {1, 2, 1, 1};
    unsigned run = 0, count = 0;
net_unit_beats:
    for (unsigned step = 0; step < 5; ++step) {
#pragma HLS pipeline II=1
        data::y y;
        switch (source[run]) {
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
        if (leaves[run]) {
            out.write(y);
        }
        if (++count == length[run]) {
            count = 0;
            run = run == 3 ? 0 : run + 1;
        }
    }
}
}  // namespace kernel
