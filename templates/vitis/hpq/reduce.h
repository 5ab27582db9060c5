// SPDX-License-Identifier: Apache-2.0
// Many elements become one: sum, mean, largest, smallest, or where the largest or smallest is.
#ifndef HPQ_REDUCE_H
#define HPQ_REDUCE_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Input element (position * taps + t) * lanes + l, output element position * lanes + l. Beats come in order
// (outer, step, chunk); taps and steps are reduced, and what is reduced so far waits in word `chunk` of `kept`.
// Config: outer, steps, chunks, positions, taps, lanes.

// Of sums: sum_t, accumulator_t; clip. Of means: reciprocal_t, reciprocal (raw), multiplier.
struct as_it_is {
    template <class Config, class Sum>
    static typename Config::accumulator_t apply(const Sum& sum) {
#pragma HLS inline
        return sum;
    }
};

struct times_reciprocal {
    template <class Config, class Sum>
    static typename Config::accumulator_t apply(const Sum& sum) {
#pragma HLS inline
        return Config::multiplier::apply(from_raw<typename Config::reciprocal_t>(Config::reciprocal), sum);
    }
};

template <class Factor, class Config, class X, unsigned IN, class Y, unsigned OUT, class Sum, class Slopes,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void reduce_sum(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
                Sum (&kept)[MEMORIES][DEPTH][WORD],
                const Slopes& slopes) {
#pragma HLS inline
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes
    typename counter<Config::steps>::type step;
    typename counter<Config::chunks>::type chunk;
reduce_beats:
    for (unsigned i = 0; i < Config::outer * Config::steps * Config::chunks; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            step = 0;
            chunk = 0;
            word = 0;
        }
        const beat<X, IN> x = in.read();
        beat<Y, OUT> y;
        for (unsigned n = 0; n < OUT; ++n) {
#pragma HLS unroll
            const unsigned position = n / Config::lanes, l = n % Config::lanes;
            // The elements of this cycle are summed first, so that the loop-carried path is one addition.
            Sum partial = 0;
            for (unsigned t = 0; t < Config::taps; ++t) {
#pragma HLS unroll
                partial += x.data[(position * Config::taps + t) * Config::lanes + l];
            }
            const Sum before = step == 0 ? Sum(0) : kept[n / WORD][chunk][n % WORD];
            const Sum total = before + partial;
            kept[n / WORD][chunk][n % WORD] = total;
            y.data[n] =
                finish<Config, Y>(Factor::template apply<Config>(total), slopes, word, n);
        }
        if (step == Config::steps - 1) {
            out.write(y);
            advance<words_of<Slopes>::value>(word);
        }
        if (chunk == Config::chunks - 1) {
            advance<Config::steps>(step);
        }
        advance<Config::chunks>(chunk);
    }
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Sum,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void sum(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
         Sum (&kept)[MEMORIES][DEPTH][WORD]) {
#pragma HLS inline
    reduce_sum<as_it_is, Config>(in, out, kept, no_slopes());
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Sum, class Slopes,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void sum(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
         Sum (&kept)[MEMORIES][DEPTH][WORD],
         const Slopes& slopes) {
#pragma HLS inline
    reduce_sum<as_it_is, Config>(in, out, kept, slopes);
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Sum,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void mean(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
          Sum (&kept)[MEMORIES][DEPTH][WORD]) {
#pragma HLS inline
    reduce_sum<times_reciprocal, Config>(in, out, kept, no_slopes());
}

template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Sum, class Slopes,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void mean(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
          Sum (&kept)[MEMORIES][DEPTH][WORD],
          const Slopes& slopes) {
#pragma HLS inline
    reduce_sum<times_reciprocal, Config>(in, out, kept, slopes);
}

// Whether an element takes the place of one before it: of equal ones the first stays. Config: smallest.
template <class Config, class X>
inline bool wins(const X& x, const X& before) {
#pragma HLS inline
    return Config::smallest ? bool(x < before) : bool(x > before);
}

// The largest or smallest element; its bits are copied, nothing is rounded.
template <class Config, class X, unsigned IN, class Y, unsigned OUT,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD>
void extreme(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
             X (&kept)[MEMORIES][DEPTH][WORD]) {
#pragma HLS inline
    typename counter<Config::steps>::type step;
    typename counter<Config::chunks>::type chunk;
extreme_beats:
    for (unsigned i = 0; i < Config::outer * Config::steps * Config::chunks; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            step = 0;
            chunk = 0;
        }
        const beat<X, IN> x = in.read();
        beat<Y, OUT> y;
        for (unsigned n = 0; n < OUT; ++n) {
#pragma HLS unroll
            const unsigned first = n / Config::lanes * Config::taps * Config::lanes + n % Config::lanes;
            X best = x.data[first];
            for (unsigned t = 1; t < Config::taps; ++t) {
#pragma HLS unroll
                const X other = x.data[first + t * Config::lanes];
                if (wins<Config>(other, best)) {
                    best = other;
                }
            }
            if (step > 0 && !wins<Config>(best, kept[n / WORD][chunk][n % WORD])) {
                best = kept[n / WORD][chunk][n % WORD];
            }
            kept[n / WORD][chunk][n % WORD] = best;
            y.data[n] = recode<Y>(best);
        }
        if (step == Config::steps - 1) {
            out.write(y);
        }
        if (chunk == Config::chunks - 1) {
            advance<Config::steps>(step);
        }
        advance<Config::chunks>(chunk);
    }
}

// The number, step * taps + tap, of the first of the largest or smallest elements. Config: index_t.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Index,
          unsigned MEMORIES, unsigned DEPTH, unsigned WORD, unsigned PLACE_MEMORIES, unsigned PLACES>
void place_of_extreme(hls::stream<beat<X, IN> >& in, hls::stream<beat<Y, OUT> >& out,
                      X (&kept)[MEMORIES][DEPTH][WORD],
                      Index (&places)[PLACE_MEMORIES][DEPTH][PLACES]) {
#pragma HLS inline
    typename counter<Config::steps>::type step;
    typename counter<Config::chunks>::type chunk;
place_beats:
    for (unsigned i = 0; i < Config::outer * Config::steps * Config::chunks; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            step = 0;
            chunk = 0;
        }
        const beat<X, IN> x = in.read();
        beat<Y, OUT> y;
        for (unsigned n = 0; n < OUT; ++n) {
#pragma HLS unroll
            const unsigned first = n / Config::lanes * Config::taps * Config::lanes + n % Config::lanes;
            X best = x.data[first];
            Index place = step * Config::taps;
            for (unsigned t = 1; t < Config::taps; ++t) {
#pragma HLS unroll
                const X other = x.data[first + t * Config::lanes];
                if (wins<Config>(other, best)) {
                    best = other;
                    place = step * Config::taps + t;
                }
            }
            if (step > 0 && !wins<Config>(best, kept[n / WORD][chunk][n % WORD])) {
                best = kept[n / WORD][chunk][n % WORD];
                place = places[n / PLACES][chunk][n % PLACES];
            }
            kept[n / WORD][chunk][n % WORD] = best;
            places[n / PLACES][chunk][n % PLACES] = place;
            y.data[n] = from_raw<Y>(place);
        }
        if (step == Config::steps - 1) {
            out.write(y);
        }
        if (chunk == Config::chunks - 1) {
            advance<Config::steps>(step);
        }
        advance<Config::chunks>(chunk);
    }
}

}  // namespace hpq

#endif
