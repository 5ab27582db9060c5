// SPDX-License-Identifier: Apache-2.0
// Matrix-vector products with every multiplication in hardware: the weights are constants of the circuit,
// zeros cost nothing.
#ifndef HPQ_UNROLLED_H
#define HPQ_UNROLLED_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Config: weight_t, bias_t, accumulator_t; positions, groups, rows, cols; relu; beats.
// Input element (position * groups + g) * cols + k, output element (position * groups + g) * rows + m;
// weight[g * rows + m][k]; bias[g][m], or no_bias.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, unsigned COLS, class Bias>
void unrolled_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
                   const Weight weight[][COLS], const Bias& bias) {
#pragma HLS inline
    typedef typename Config::accumulator_t accumulator_t;
    const beat<X, IN> x = in.read();
    beat<Y, OUT> y;
    for (unsigned i = 0; i < Config::positions * Config::groups; ++i) {
#pragma HLS unroll
        const unsigned group = i % Config::groups;
        for (unsigned m = 0; m < Config::rows; ++m) {
#pragma HLS unroll
            accumulator_t sum = initial<Config>(bias, group, m);
            for (unsigned k = 0; k < Config::cols; ++k) {
#pragma HLS unroll
                sum += from_raw<typename Config::weight_t>(weight[group * Config::rows + m][k]) *
                       x.data[i * Config::cols + k];
            }
            y.data[i * Config::rows + m] = finish<Config::relu, Y>(sum);
        }
    }
    out.write(y);
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, unsigned COLS, class Bias>
void unrolled(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Weight weight[][COLS],
              const Bias& bias) {
#pragma HLS inline
unrolled_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1
        unrolled_beat<Config>(in, out, weight, bias);
    }
}

}  // namespace hpq

#endif
