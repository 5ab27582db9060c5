// SPDX-License-Identifier: Apache-2.0
// Pooling: the taps of a window, channel by channel.
#ifndef HPQ_POOL_H
#define HPQ_POOL_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Input element (position * taps + t) * lanes + l, output element position * lanes + l.

// The largest element; its bits are copied, nothing is rounded. Config: positions, taps, lanes; beats.
template <class Config, class X, unsigned IN, class Y, unsigned OUT>
void max_pool_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out) {
#pragma HLS inline
    const beat<X, IN> x = in.read();
    beat<Y, OUT> y;
    for (unsigned position = 0; position < Config::positions; ++position) {
#pragma HLS unroll
        for (unsigned l = 0; l < Config::lanes; ++l) {
#pragma HLS unroll
            X largest = x.data[position * Config::taps * Config::lanes + l];
            for (unsigned t = 1; t < Config::taps; ++t) {
#pragma HLS unroll
                const X other = x.data[(position * Config::taps + t) * Config::lanes + l];
                if (other > largest) {
                    largest = other;
                }
            }
            y.data[position * Config::lanes + l] = recode<Y>(largest);
        }
    }
    out.write(y);
}

// cast(epilogue(reciprocal * sum)), the sum and the product exact.
// Config: positions, taps, lanes; sum_t, accumulator_t, reciprocal_t, reciprocal (raw), multiplier; clip; beats.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Slopes>
void average_pool_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Slopes& slopes,
                       unsigned word = 0) {
#pragma HLS inline
    const typename Config::reciprocal_t reciprocal =
        from_raw<typename Config::reciprocal_t>(Config::reciprocal);
    const beat<X, IN> x = in.read();
    beat<Y, OUT> y;
    for (unsigned position = 0; position < Config::positions; ++position) {
#pragma HLS unroll
        for (unsigned l = 0; l < Config::lanes; ++l) {
#pragma HLS unroll
            typename Config::sum_t sum = 0;
            for (unsigned t = 0; t < Config::taps; ++t) {
#pragma HLS unroll
                sum += x.data[(position * Config::taps + t) * Config::lanes + l];
            }
            const typename Config::accumulator_t product = Config::multiplier::apply(reciprocal, sum);
            y.data[position * Config::lanes + l] =
                finish<Config, Y>(product, slopes, word, position * Config::lanes + l);
        }
    }
    out.write(y);
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT>
void max_pool(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out) {
#pragma HLS inline
max_pool_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        max_pool_beat<Config>(in, out);
    }
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Slopes>
void average_pool(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
                  const Slopes& slopes) {
#pragma HLS inline
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes
average_pool_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            word = 0;
        }
        average_pool_beat<Config>(in, out, slopes, word.to_uint());
        advance<words_of<Slopes>::value>(word);
    }
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT>
void average_pool_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out) {
#pragma HLS inline
    average_pool_beat<Config>(in, out, no_slopes());
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT>
void average_pool(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out) {
#pragma HLS inline
    average_pool<Config>(in, out, no_slopes());
}

}  // namespace hpq

#endif
