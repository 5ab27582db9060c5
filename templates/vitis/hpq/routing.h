// SPDX-License-Identifier: Apache-2.0
// Kernels that move elements and compute nothing: fork, width converter, gather.
#ifndef HPQ_ROUTING_H
#define HPQ_ROUTING_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Copies a beat to each output.
template <class X, unsigned LANES>
inline void copy_to(const beat<X, LANES>&) {}

template <class X, unsigned LANES, class Y, class... Rest>
inline void copy_to(const beat<X, LANES>& x, hls::stream<beat<Y, LANES> >& out, Rest&... rest) {
#pragma HLS inline
    beat<Y, LANES> y;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        y.data[i] = recode<Y>(x.data[i]);
    }
    out.write(y);
    copy_to(x, rest...);
}

template <class Config, class X, unsigned LANES, class... Outputs>
void fork_beat(hls::stream<beat<X, LANES> >& in, Outputs&... outputs) {
#pragma HLS inline
    const beat<X, LANES> x = in.read();
    copy_to(x, outputs...);
}

template <class Config, class X, unsigned LANES, class... Outputs>
void fork(hls::stream<beat<X, LANES> >& in, Outputs&... outputs) {
#pragma HLS inline
fork_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        fork_beat<Config>(in, outputs...);
    }
}

// OUT / IN beats in, one beat out; the first comes to lie lowest. Config: beats (of the output).
template <class Config, class X, unsigned IN, class Y, unsigned OUT>
void widen(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out) {
#pragma HLS inline
    const unsigned parts = OUT / IN;
    beat<Y, OUT> y;
    typename counter<parts>::type part;
widen_parts:
    for (unsigned i = 0; i < Config::beats * parts; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            part = 0;
        }
        const beat<X, IN> x = in.read();
        for (unsigned l = 0; l + IN < OUT; ++l) {
#pragma HLS unroll
            y.data[l] = y.data[l + IN];
        }
        for (unsigned l = 0; l < IN; ++l) {
#pragma HLS unroll
            y.data[OUT - IN + l] = recode<Y>(x.data[l]);
        }
        if (part == parts - 1) {
            out.write(y);
        }
        advance<parts>(part);
    }
}

// One beat in, as many beats out as it fills, the lowest elements first and zeros last. Config: beats (of the input).
template <class Config, class X, unsigned IN, class Y, unsigned OUT>
void narrow(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out) {
#pragma HLS inline
    const unsigned parts = (IN + OUT - 1) / OUT;
    beat<X, IN> x;
    typename counter<parts>::type part;
narrow_parts:
    for (unsigned i = 0; i < Config::beats * parts; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            part = 0;
        }
        if (part == 0) {
            x = in.read();
        }
        beat<Y, OUT> y;
        for (unsigned l = 0; l < OUT; ++l) {
#pragma HLS unroll
            y.data[l] = recode<Y>(x.data[l]);
        }
        out.write(y);
        for (unsigned l = 0; l < IN; ++l) {
#pragma HLS unroll
            x.data[l] = l + OUT < IN ? x.data[l + OUT] : from_raw<X>(0);
        }
        advance<parts>(part);
    }
}

// Wires: output element i is input element index[i], or pad_value (raw) where that is -1.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Index>
void gather_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Index (&index)[OUT]) {
#pragma HLS inline
    const beat<X, IN> x = in.read();
    beat<Y, OUT> y;
    for (unsigned i = 0; i < OUT; ++i) {
#pragma HLS unroll
        if (index[i] < 0) {
            y.data[i] = from_raw<Y>(Config::pad_value);
        } else {
            y.data[i] = recode<Y>(x.data[index[i]]);
        }
    }
    out.write(y);
}

}  // namespace hpq

#endif
