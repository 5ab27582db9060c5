// SPDX-License-Identifier: Apache-2.0
// Between AXI4-Stream ports and the streams inside.
//
// TDATA holds the elements of one beat, element 0 lowest, each in exactly its width, padded with zeros to
// whole bytes. One frame is one packet. TKEEP and TSTRB are ignored on input, and TLAST, too, where it is not
// checked, because the number of beats per frame is known; on output TKEEP and TSTRB are all ones and TLAST
// marks the last beat.
#ifndef HPQ_AXIS_H
#define HPQ_AXIS_H

#include "beat.h"
#include "number.h"

namespace hpq {

template <class Word, class X, unsigned LANES>
void put_beat(const Word& word, hls::stream<beat<X, LANES> >& out) {
#pragma HLS inline
    const int width = number<X>::width;
    beat<X, LANES> x;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const ap_uint<width> bits = word.data.range((i + 1) * width - 1, i * width);
        x.data[i] = from_raw<X>(bits);
    }
    out.write(x);
}

template <class Word, class X, unsigned LANES>
void from_axis_beat(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out) {
#pragma HLS inline
    put_beat(port.read(), out);
}

// Of a frame of one beat: what follows a beat without TLAST is dropped, up to and including the one with it.
// dropping: whether this beat is; error: rises with such a packet and stays.
template <class Word, class X, unsigned LANES>
void from_checked_axis_beat(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out, bool& dropping, bool& error) {
#pragma HLS inline
    const Word word = port.read();
    if (!dropping) {
        put_beat(word, out);
    }
    dropping = word.last == 0;
    error = error || dropping;
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
        word.data.range((i + 1) * width - 1, i * width) = to_bits(y.data[i]);
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
#pragma HLS pipeline II=1
        from_axis_beat(port, out);
    }
}

// One packet makes one frame: where TLAST comes before the last of its beats, zeros fill it up, and where it comes
// later, what is too much is dropped. error: rises with such a packet and stays.
template <unsigned BEATS, class Word, class X, unsigned LANES>
void from_checked_axis(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out, bool& error) {
#pragma HLS inline
    bool ended = false;
from_axis_beats:
    for (unsigned i = 0; i < BEATS || !ended; i += i < BEATS) {
#pragma HLS loop_tripcount min=BEATS max=BEATS
#pragma HLS pipeline II=1
        Word word;
        word.data = 0;
        if (!ended) {
            word = port.read();
            ended = word.last != 0;
            error = error || ended != (i == BEATS - 1);
        }
        if (i < BEATS) {
            put_beat(word, out);
        }
    }
}

template <unsigned BEATS, class Word, class Y, unsigned LANES>
void to_axis(hls::stream<beat<Y, LANES> >& in, hls::stream<Word>& port) {
#pragma HLS inline
to_axis_beats:
    for (unsigned i = 0; i < BEATS; ++i) {
#pragma HLS pipeline II=1
        to_axis_beat(in, port, i == BEATS - 1);
    }
}

}  // namespace hpq

#endif
