// SPDX-License-Identifier: Apache-2.0
// Matrix-vector unit, folded: PE rows times SIMD columns per cycle.
#ifndef HPQ_MATVEC_H
#define HPQ_MATVEC_H

#include "beat.h"
#include "number.h"
#include "rows.h"

namespace hpq {

// For each vector of a frame and each group: y = cast(epilogue(bias + (weight * x << shift))).
//
// Config: weight_t, bias_t, shift_t, accumulator_t, multiplier, rows_t (rows.h); vectors, groups, rows, cols (of one group); clip.
// weight: words (group * rows / PE + fold) * cols / SIMD + step, elements p * SIMD + s: one per cycle, in order.
// bias: words group * rows / PE + fold, elements p, or no_bias; shift likewise, or one word, or none.
// slopes: words of PE elements or one element, or no_slopes.
// buffer: in word `step` the elements s of the vector of the current group, read once, reused for every fold.
template <class Config, class X, unsigned SIMD, class Y, unsigned PE, class Weight, class Bias, class Shift,
          class Slopes, unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void matvec(hls::stream<beat<X, SIMD> >& in, hls::stream<beat<Y, PE> >& out, const Weight& weight,
            const Bias& bias, const Shift& shift, const Slopes& slopes, X (&buffer)[MEMORIES][DEPTH][WORD]) {
#pragma HLS inline
    typedef typename Config::accumulator_t accumulator_t;
    const unsigned folds = Config::rows / PE;
    const unsigned steps = Config::cols / SIMD;
    const unsigned rows = Config::groups * folds;
    accumulator_t sum[PE];
#pragma HLS array_partition variable=sum type=complete
    typename counter<steps>::type step;
    typename counter<folds>::type fold;
    typename counter<rows>::type row;  // fold of rows of all groups
    typename counter<rows * steps>::type place;  // word of weights
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes

matvec_steps:
    for (unsigned i = 0; i < Config::vectors * rows * steps; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            step = 0;
            fold = 0;
            row = 0;
            place = 0;
            word = 0;
        }
        beat<X, SIMD> x;
        if (fold == 0) {
            x = in.read();
            for (unsigned s = 0; s < SIMD; ++s) {
#pragma HLS unroll
                buffer[s / WORD][step][s % WORD] = x.data[s];
            }
        } else {
            for (unsigned s = 0; s < SIMD; ++s) {
#pragma HLS unroll
                x.data[s] = buffer[s / WORD][step][s % WORD];
            }
        }

        beat<Y, PE> y;
        const bool last = step == steps - 1;
        // The products of this cycle are summed first, so that the loop-carried path is one addition.
        accumulator_t partial[PE];
#pragma HLS array_partition variable=partial type=complete
        Config::rows_t::template sum<Config>(partial, weight, place, x);
        for (unsigned p = 0; p < PE; ++p) {
#pragma HLS unroll
            const accumulator_t before = step == 0 ? initial<Config>(bias, row, p) : sum[p];
            sum[p] = before + scaled<Config>(partial[p], shift, row, p);
            if (last) {
                y.data[p] = finish<Config, Y>(sum[p], slopes, word, p);
            }
        }
        if (last) {
            out.write(y);
            advance<words_of<Slopes>::value>(word);
            advance<rows>(row);
            advance<folds>(fold);
        }
        advance<steps>(step);
        advance<rows * steps>(place);
    }
}

template <class Config, class X, unsigned SIMD, class Y, unsigned PE, class Weight, class Bias, unsigned MEMORIES,
          unsigned DEPTH, unsigned WORD>
void matvec(hls::stream<beat<X, SIMD> >& in, hls::stream<beat<Y, PE> >& out, const Weight& weight,
            const Bias& bias, X (&buffer)[MEMORIES][DEPTH][WORD]) {
#pragma HLS inline
    matvec<Config>(in, out, weight, bias, no_shift(), no_slopes(), buffer);
}

template <class Config, class X, unsigned SIMD, class Y, unsigned PE, class Weight, class Bias, class Shift,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void matvec(hls::stream<beat<X, SIMD> >& in, hls::stream<beat<Y, PE> >& out, const Weight& weight,
            const Bias& bias, const Shift& shift, X (&buffer)[MEMORIES][DEPTH][WORD]) {
#pragma HLS inline
    matvec<Config>(in, out, weight, bias, shift, no_slopes(), buffer);
}

}  // namespace hpq

#endif
