// SPDX-License-Identifier: Apache-2.0
// Per-channel multiply-accumulate: depthwise convolution, batch normalisation.
#ifndef HPQ_CHANNEL_MAC_H
#define HPQ_CHANNEL_MAC_H

#include "beat.h"
#include "number.h"

namespace hpq {

// y[l] = cast(relu(bias[c] + sum over t of weight[c, t] * x[t, l])) with c = chunk * LANES + l.
//
// Config: weight_t, bias_t, accumulator_t; positions, channels, taps; relu.
// Input element t * LANES + l; weight[chunk][t * LANES + l]; bias[chunk][l], or no_bias.
template <class Config, class X, unsigned IN, class Y, unsigned LANES, class Weight, unsigned WORD, class Bias>
void channel_mac(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, LANES> >& out,
                 const Weight weight[][WORD], const Bias& bias) {
#pragma HLS inline
    typedef typename Config::accumulator_t accumulator_t;
channel_mac_positions:
    for (unsigned position = 0; position < Config::positions; ++position) {
    channel_mac_chunks:
        for (unsigned chunk = 0; chunk < Config::channels / LANES; ++chunk) {
#pragma HLS pipeline II=1
            const beat<X, IN> x = in.read();
            beat<Y, LANES> y;
            for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
                accumulator_t sum = initial<Config>(bias, chunk, l);
                for (unsigned t = 0; t < Config::taps; ++t) {
#pragma HLS unroll
                    sum += from_raw<typename Config::weight_t>(weight[chunk][t * LANES + l]) *
                           x.data[t * LANES + l];
                }
                y.data[l] = finish<Config::relu, Y>(sum);
            }
            out.write(y);
        }
    }
}

}  // namespace hpq

#endif
