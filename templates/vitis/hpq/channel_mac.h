// SPDX-License-Identifier: Apache-2.0
// Per-channel multiply-accumulate: depthwise convolution, batch normalisation.
#ifndef HPQ_CHANNEL_MAC_H
#define HPQ_CHANNEL_MAC_H

#include "beat.h"
#include "number.h"

namespace hpq {

// y[l] = cast(epilogue(bias[c] + (sum over t of weight[c, t] * x[t, l] << shift[c]))), c = chunk * LANES + l.
//
// Config: weight_t, bias_t, shift_t, accumulator_t, multiplier; positions, channels, taps; clip.
// Input element t * LANES + l; weight: words chunk, elements t * LANES + l; bias: words chunk, elements l, or
// no_bias; shift likewise, or one word, or none; slopes: words of LANES elements or one element, or no_slopes.
template <class Config, class X, unsigned IN, class Y, unsigned LANES, class Weight, class Bias, class Shift,
          class Slopes>
void channel_mac(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, LANES> >& out, const Weight& weight,
                 const Bias& bias, const Shift& shift, const Slopes& slopes) {
#pragma HLS inline
    typedef typename Config::accumulator_t accumulator_t;
    const unsigned chunks = Config::channels / LANES;
    typename counter<chunks>::type chunk;
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes
channel_mac_chunks:
    for (unsigned i = 0; i < Config::positions * chunks; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            chunk = 0;
            word = 0;
        }
        const beat<X, IN> x = in.read();
        beat<Y, LANES> y;
        for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
            accumulator_t products = 0;
            for (unsigned t = 0; t < Config::taps; ++t) {
#pragma HLS unroll
                products += Config::multiplier::apply(
                    weight_value<typename Config::weight_t>(weight, chunk, t * LANES + l), x.data[t * LANES + l]);
            }
            const accumulator_t sum =
                initial<Config>(bias, chunk, l) + scaled<Config>(products, shift, chunk, l);
            y.data[l] = finish<Config, Y>(sum, slopes, word, l);
        }
        out.write(y);
        advance<chunks>(chunk);
        advance<words_of<Slopes>::value>(word);
    }
}

template <class Config, class X, unsigned IN, class Y, unsigned LANES, class Weight, class Bias>
void channel_mac(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, LANES> >& out, const Weight& weight,
                 const Bias& bias) {
#pragma HLS inline
    channel_mac<Config>(in, out, weight, bias, no_shift(), no_slopes());
}

template <class Config, class X, unsigned IN, class Y, unsigned LANES, class Weight, class Bias, class Shift>
void channel_mac(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, LANES> >& out, const Weight& weight,
                 const Bias& bias, const Shift& shift) {
#pragma HLS inline
    channel_mac<Config>(in, out, weight, bias, shift, no_slopes());
}

}  // namespace hpq

#endif
