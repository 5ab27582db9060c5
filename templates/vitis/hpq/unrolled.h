// SPDX-License-Identifier: Apache-2.0
// Matrix-vector products with every multiplication in hardware: the weights are constants of the circuit,
// zeros cost nothing. Or with no multiplication at all: `adders` leaves the products to a graph of adders.
#ifndef HPQ_UNROLLED_H
#define HPQ_UNROLLED_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Config: weight_t, bias_t, shift_t, accumulator_t, multiplier; positions, groups, rows, cols; clip; beats.
// Input element (position * groups + g) * cols + k, output element (position * groups + g) * rows + m;
// weight: words g * rows + m, elements k; bias: words g, elements m, or no_bias; shift: elements g * rows + m, or
// none; slopes: words of all elements or one element, or no_slopes.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, class Bias,
          class Shift, class Slopes>
void unrolled_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
                   const Weight& weight, const Bias& bias, const Shift& shift,
                   const Slopes& slopes, unsigned word = 0) {
#pragma HLS inline
    typedef typename Config::accumulator_t accumulator_t;
    const beat<X, IN> x = in.read();
    beat<Y, OUT> y;
    for (unsigned i = 0; i < Config::positions * Config::groups; ++i) {
#pragma HLS unroll
        const unsigned group = i % Config::groups;
        for (unsigned m = 0; m < Config::rows; ++m) {
#pragma HLS unroll
            const unsigned row = group * Config::rows + m;
            accumulator_t products = 0;
            for (unsigned k = 0; k < Config::cols; ++k) {
#pragma HLS unroll
                products += Config::multiplier::apply(
                    weight_value<typename Config::weight_t>(weight, row, k), x.data[i * Config::cols + k]);
            }
            const accumulator_t sum = initial<Config>(bias, group, m) + scaled<Config>(products, shift, 0, row);
            y.data[i * Config::rows + m] =
                finish<Config, Y>(sum, slopes, word, i * Config::rows + m);
        }
    }
    out.write(y);
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, class Bias,
          class Shift, class Slopes>
void unrolled(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Weight& weight,
              const Bias& bias, const Shift& shift, const Slopes& slopes) {
#pragma HLS inline
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes
unrolled_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            word = 0;
        }
        unrolled_beat<Config>(in, out, weight, bias, shift, slopes, word.to_uint());
        advance<words_of<Slopes>::value>(word);
    }
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, class Bias>
void unrolled_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
                   const Weight& weight, const Bias& bias) {
#pragma HLS inline
    unrolled_beat<Config>(in, out, weight, bias, no_shift(), no_slopes());
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, class Bias,
          class Shift>
void unrolled_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Weight& weight,
                   const Bias& bias, const Shift& shift) {
#pragma HLS inline
    unrolled_beat<Config>(in, out, weight, bias, shift, no_slopes());
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, class Bias>
void unrolled(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Weight& weight,
              const Bias& bias) {
#pragma HLS inline
    unrolled<Config>(in, out, weight, bias, no_shift(), no_slopes());
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Weight, class Bias,
          class Shift>
void unrolled(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Weight& weight,
              const Bias& bias, const Shift& shift) {
#pragma HLS inline
    unrolled<Config>(in, out, weight, bias, shift, no_slopes());
}

// The same with Config::multiply for the products: a function from a vector's bits, Config::element_t, to the
// exact sums, Config::sum_t, which are the bits of Config::product_t. `vector` and `sums` are its registers.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Bias, class Slopes>
void adders_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Bias& bias,
                 const Slopes& slopes, typename Config::element_t vector[], typename Config::sum_t sums[],
                 unsigned word = 0) {
#pragma HLS inline
    typedef typename Config::accumulator_t accumulator_t;
    const unsigned cols = Config::groups * Config::cols, rows = Config::groups * Config::rows;
    const beat<X, IN> x = in.read();
    beat<Y, OUT> y;
    for (unsigned i = 0; i < Config::positions; ++i) {
#pragma HLS unroll
        for (unsigned k = 0; k < cols; ++k) {
#pragma HLS unroll
            vector[k] = to_bits(x.data[i * cols + k]);
        }
        Config::multiply(vector, sums);
        for (unsigned m = 0; m < rows; ++m) {
#pragma HLS unroll
            accumulator_t sum = initial<Config>(bias, m / Config::rows, m % Config::rows);
            sum += from_raw<typename Config::product_t>(sums[m]);
            y.data[i * rows + m] = finish<Config, Y>(sum, slopes, word, i * rows + m);
        }
    }
    out.write(y);
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Bias, class Slopes>
void adders(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Bias& bias,
            const Slopes& slopes, typename Config::element_t vector[], typename Config::sum_t sums[]) {
#pragma HLS inline
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes
adders_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            word = 0;
        }
        adders_beat<Config>(in, out, bias, slopes, vector, sums, word.to_uint());
        advance<words_of<Slopes>::value>(word);
    }
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Bias>
void adders_beat(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Bias& bias,
                 typename Config::element_t vector[], typename Config::sum_t sums[]) {
#pragma HLS inline
    adders_beat<Config>(in, out, bias, no_slopes(), vector, sums);
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Bias>
void adders(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out, const Bias& bias,
            typename Config::element_t vector[], typename Config::sum_t sums[]) {
#pragma HLS inline
    adders<Config>(in, out, bias, no_slopes(), vector, sums);
}

}  // namespace hpq

#endif
