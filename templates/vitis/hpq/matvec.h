// SPDX-License-Identifier: Apache-2.0
// Matrix-vector unit, folded: PE rows times SIMD columns per cycle.
#ifndef HPQ_MATVEC_H
#define HPQ_MATVEC_H

#include "beat.h"
#include "number.h"

namespace hpq {

// For each vector of a frame and each group: y = cast(epilogue(bias + (weight * x << shift))).
//
// Config: weight_t, bias_t, shift_t, accumulator_t, multiplier; vectors, groups, rows, cols (of one group); clip.
// weight[(group * rows / PE + fold) * cols / SIMD + step][p * SIMD + s]: one word per cycle, in order.
// bias[group * rows / PE + fold][p], or no_bias; shift likewise, or shift[0][p], or none.
// slopes[word][p] or slopes[0][0], or no_slopes.
// buffer[step][s]: the vector of the current group, read once and reused for every fold of rows.
template <class Config, class X, unsigned SIMD, class Y, unsigned PE, class Weight, unsigned WORD, class Bias,
          class Shift, class Slopes>
void matvec(hls::stream<beat<X, SIMD> >& in, hls::stream<beat<Y, PE> >& out, const Weight weight[][WORD],
            const Bias& bias, const Shift& shift, const Slopes& slopes, X buffer[][SIMD]) {
#pragma HLS inline
    typedef typename Config::accumulator_t accumulator_t;
    const unsigned folds = Config::rows / PE;
    const unsigned steps = Config::cols / SIMD;
    accumulator_t sum[PE];
#pragma HLS array_partition variable=sum complete
    unsigned word = 0;  // of the slopes

matvec_vectors:
    for (unsigned vector = 0; vector < Config::vectors; ++vector) {
    matvec_groups:
        for (unsigned group = 0; group < Config::groups; ++group) {
        matvec_folds:
            for (unsigned fold = 0; fold < folds; ++fold) {
            matvec_steps:
                for (unsigned step = 0; step < steps; ++step) {
#pragma HLS pipeline II=1
                    beat<X, SIMD> x;
                    if (fold == 0) {
                        x = in.read();
                        for (unsigned s = 0; s < SIMD; ++s) {
#pragma HLS unroll
                            buffer[step][s] = x.data[s];
                        }
                    } else {
                        for (unsigned s = 0; s < SIMD; ++s) {
#pragma HLS unroll
                            x.data[s] = buffer[step][s];
                        }
                    }

                    beat<Y, PE> y;
                    const unsigned row = group * folds + fold;
                    for (unsigned p = 0; p < PE; ++p) {
#pragma HLS unroll
                        // The products of this cycle are summed first, so that the loop-carried path is
                        // one addition.
                        accumulator_t partial = 0;
                        for (unsigned s = 0; s < SIMD; ++s) {
#pragma HLS unroll
                            partial += Config::multiplier::apply(
                                weight_value<typename Config::weight_t>(
                                    weight[row * steps + step][p * SIMD + s]),
                                x.data[s]);
                        }
                        const accumulator_t before = step == 0 ? initial<Config>(bias, row, p) : sum[p];
                        sum[p] = before + scaled(partial, shift, row, p);
                        if (step == steps - 1) {
                            y.data[p] = finish<Config, Y>(sum[p], slopes, word, p);
                        }
                    }
                    if (step == steps - 1) {
                        out.write(y);
                        word = next_word(slopes, word);
                    }
                }
            }
        }
    }
}

template <class Config, class X, unsigned SIMD, class Y, unsigned PE, class Weight, unsigned WORD, class Bias>
void matvec(hls::stream<beat<X, SIMD> >& in, hls::stream<beat<Y, PE> >& out, const Weight weight[][WORD],
            const Bias& bias, X buffer[][SIMD]) {
#pragma HLS inline
    matvec<Config>(in, out, weight, bias, no_shift(), no_slopes(), buffer);
}

template <class Config, class X, unsigned SIMD, class Y, unsigned PE, class Weight, unsigned WORD, class Bias,
          class Shift>
void matvec(hls::stream<beat<X, SIMD> >& in, hls::stream<beat<Y, PE> >& out, const Weight weight[][WORD],
            const Bias& bias, const Shift& shift, X buffer[][SIMD]) {
#pragma HLS inline
    matvec<Config>(in, out, weight, bias, shift, no_slopes(), buffer);
}

}  // namespace hpq

#endif
