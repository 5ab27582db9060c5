// SPDX-License-Identifier: Apache-2.0
// Bringing values into a range. Config: has_low, low, has_high, high; beats.
#ifndef HPQ_CLAMP_H
#define HPQ_CLAMP_H

#include "beat.h"
#include "number.h"

namespace hpq {

// y = min(max(x, low), high); bounds are raw values, the two types have one fraction.
template <class Config, class X, class Y, unsigned LANES>
void clamp_beat(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
    const beat<X, LANES> x = in.read();
    beat<Y, LANES> y;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const typename number<X>::raw code = to_bits(x.data[i]);
        ap_int<number<X>::width + 1> result = code;
        if (Config::has_low && result < Config::low) {
            result = Config::low;
        }
        if (Config::has_high && result > Config::high) {
            result = Config::high;
        }
        y.data[i] = from_raw<Y>(result);
    }
    out.write(y);
}

template <class Config, class X, class Y, unsigned LANES>
void clamp(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
clamp_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1
        clamp_beat<Config>(in, out);
    }
}

}  // namespace hpq

#endif
