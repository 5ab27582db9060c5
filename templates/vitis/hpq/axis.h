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
        const ap_uint<width> bits = word.data.range(int(i + 1) * width - 1, int(i) * width);
        x.data[i] = from_raw<X>(bits);
    }
    out.write(x);
}

template <class Word, class X, unsigned LANES>
void from_axis_beat(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out) {
#pragma HLS inline
    put_beat(port.read(), out);
}

// One step of a port that checks its packets; at most one beat is taken and at most one written. One packet makes one
// frame: where TLAST comes before the last of its beats, zeros fill it up, and where it comes later, what is too much is
// dropped. A right packet takes a step for each beat.
//
// What a port remembers: at, beats written of this frame; ended, whether its packet has; dropping, whether beats of the
// last packet are still to come; error, which rises with a packet of a wrong size and stays.
template <unsigned BEATS, class Word, class X, unsigned LANES, class At>
void from_checked_axis_beat(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out, At& at, bool& ended,
                            bool& dropping, bool& error) {
#pragma HLS inline
    const bool full = at == BEATS - 1;
    Word word;
    word.data = 0;
    bool last = false;
    if (dropping || !ended) {
        word = port.read();
        last = word.last != 0;
    }
    if (dropping) {
        dropping = !last;
    } else {
        put_beat(word, out);
        if (!ended) {
            error = error || last != full;
            ended = last;
            dropping = full && !last;
        }
        if (full) {
            ended = false;
        }
        advance<BEATS>(at);
    }
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

// As many steps as a frame has beats. flag: the port's output for `error`.
template <unsigned BEATS, class Word, class X, unsigned LANES, class At, class Flag>
void from_checked_axis(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out, At& at, bool& ended, bool& dropping,
                       bool& error, Flag& flag) {
#pragma HLS inline
from_axis_beats:
    for (unsigned i = 0; i < BEATS; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        from_checked_axis_beat<BEATS>(port, out, at, ended, dropping, error);
        flag = error;
    }
}

// The same in a design that is started for each frame: as many steps as its packet needs, so that a call ends with the
// packet. How many these are is not known before, so that the loop does not rewind.
template <unsigned BEATS, class Word, class X, unsigned LANES, class Flag>
void from_checked_axis_packet(hls::stream<Word>& port, hls::stream<beat<X, LANES> >& out, bool& error, Flag& flag) {
#pragma HLS inline
    typename counter<BEATS>::type at = 0;
    bool ended = false, dropping = false, more = true;
from_axis_packet:
    while (more) {
#pragma HLS loop_tripcount min=BEATS max=BEATS
#pragma HLS pipeline II=1 style=flp
        from_checked_axis_beat<BEATS>(port, out, at, ended, dropping, error);
        flag = error;
        more = dropping || at != 0;
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
