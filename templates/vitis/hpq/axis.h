// SPDX-License-Identifier: Apache-2.0
// Between AXI4-Stream ports and the streams inside.
//
// TDATA holds the elements of one beat, element 0 lowest, each in exactly its width, padded with zeros to
// whole bytes. One frame is one packet. TKEEP, TSTRB and TLAST are ignored on input, because the number of
// beats per frame is known; on output TKEEP and TSTRB are all ones and TLAST marks the last beat.
#ifndef HPQ_AXIS_H
#define HPQ_AXIS_H

#include "beat.h"
#include "number.h"

namespace hpq {

template <class Word, class X, unsigned LANES>
void from_axis_beat(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out) {
#pragma HLS inline
    const int width = number<X>::width;
    const Word word = port.read();
    beat<X, LANES> x;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const ap_uint<width> bits = word.data.range(int(i + 1) * width - 1, int(i) * width);
        x.data[i] = from_raw<X>(bits);
    }
    out.write(x);
}

template <class Word, class Y, unsigned LANES>
void to_axis_beat(hls::stream<beat<Y, LANES> >& in, hls::stream<Word>& port, bool last) {
#pragma HLS inline
    const int width = number<Y>::width;
    const beat<Y, LANES> y = in.read();
    Word word;
    word.data = 0;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        word.data.range(int(i + 1) * width - 1, int(i) * width) = to_bits(y.data[i]);
    }
    word.keep = -1;
    word.strb = -1;
    word.last = last;
    port.write(word);
}

template <unsigned BEATS, class Word, class X, unsigned LANES>
void from_axis(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out) {
#pragma HLS inline
from_axis_beats:
    for (unsigned i = 0; i < BEATS; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        from_axis_beat(port, out);
    }
}

template <unsigned BEATS, class Word, class Y, unsigned LANES>
void to_axis(hls::stream<beat<Y, LANES> >& in, hls::stream<Word>& port) {
#pragma HLS inline
to_axis_beats:
    for (unsigned i = 0; i < BEATS; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        to_axis_beat(in, port, i == BEATS - 1);
    }
}

}  // namespace hpq

#endif
