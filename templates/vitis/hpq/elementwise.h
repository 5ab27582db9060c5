// SPDX-License-Identifier: Apache-2.0
// Kernels that compute element by element. Config: clip; beats; accumulator_t, multiplier (of combine).
#ifndef HPQ_ELEMENTWISE_H
#define HPQ_ELEMENTWISE_H

#include "beat.h"
#include "number.h"

namespace hpq {

// What becomes of two elements, exact.
struct add {
    template <class Config, class A, class B>
    static typename Config::accumulator_t apply(const A& a, const B& b) {
#pragma HLS inline
        return a + b;
    }
};

struct subtract {
    template <class Config, class A, class B>
    static typename Config::accumulator_t apply(const A& a, const B& b) {
#pragma HLS inline
        return a - b;
    }
};

struct multiply {
    template <class Config, class A, class B>
    static typename Config::accumulator_t apply(const A& a, const B& b) {
#pragma HLS inline
        return Config::multiplier::apply(a, b);
    }
};

// The accumulator need not hold the one that is not taken.
struct maximum {
    template <class Config, class A, class B>
    static typename Config::accumulator_t apply(const A& a, const B& b) {
#pragma HLS inline
        if (a > b) {
            return a;
        }
        return b;
    }
};

struct minimum {
    template <class Config, class A, class B>
    static typename Config::accumulator_t apply(const A& a, const B& b) {
#pragma HLS inline
        if (a > b) {
            return b;
        }
        return a;
    }
};

// y = cast(epilogue(a op b)).
template <class Operation, class Config, class A, class B, class Y, unsigned LANES, class Slopes>
void combine_beat(hls::stream<beat<A, LANES> >& in_a, hls::stream<beat<B, LANES> >& in_b,
                  hls::stream<beat<Y, LANES> >& out, const Slopes& slopes, unsigned word = 0) {
#pragma HLS inline
    const beat<A, LANES> a = in_a.read();
    const beat<B, LANES> b = in_b.read();
    beat<Y, LANES> y;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const typename Config::accumulator_t exact = Operation::template apply<Config>(a.data[i], b.data[i]);
        y.data[i] = finish<Config, Y>(exact, slopes, word, i);
    }
    out.write(y);
}

// y = cast(epilogue(x)). The plain type stands between the two, because C++ copies an object of the very same
// type without looking, while a cast into AP_SAT_SYM has to replace the most negative code.
template <class Config, class X, class Y, unsigned LANES, class Slopes>
void cast_beat(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out, const Slopes& slopes, unsigned word = 0) {
#pragma HLS inline
    const beat<X, LANES> x = in.read();
    beat<Y, LANES> y;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const typename Config::accumulator_t sum = recode<typename number<X>::plain>(x.data[i]);
        y.data[i] = finish<Config, Y>(sum, slopes, word, i);
    }
    out.write(y);
}

template <class Operation, class Config, class A, class B, class Y, unsigned LANES, class Slopes>
void combine(hls::stream<beat<A, LANES> >& in_a, hls::stream<beat<B, LANES> >& in_b,
             hls::stream<beat<Y, LANES> >& out, const Slopes& slopes) {
#pragma HLS inline
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes
combine_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            word = 0;
        }
        combine_beat<Operation, Config>(in_a, in_b, out, slopes, word.to_uint());
        advance<words_of<Slopes>::value>(word);
    }
}

template <class Config, class X, class Y, unsigned LANES, class Slopes>
void cast(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out, const Slopes& slopes) {
#pragma HLS inline
    typename counter<words_of<Slopes>::value>::type word;  // of the slopes
cast_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            word = 0;
        }
        cast_beat<Config>(in, out, slopes, word.to_uint());
        advance<words_of<Slopes>::value>(word);
    }
}

template <class Operation, class Config, class A, class B, class Y, unsigned LANES>
void combine_beat(hls::stream<beat<A, LANES> >& in_a, hls::stream<beat<B, LANES> >& in_b,
                  hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
    combine_beat<Operation, Config>(in_a, in_b, out, no_slopes());
}

template <class Operation, class Config, class A, class B, class Y, unsigned LANES>
void combine(hls::stream<beat<A, LANES> >& in_a, hls::stream<beat<B, LANES> >& in_b,
             hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
    combine<Operation, Config>(in_a, in_b, out, no_slopes());
}

template <class Config, class X, class Y, unsigned LANES>
void cast_beat(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
    cast_beat<Config>(in, out, no_slopes());
}

template <class Config, class X, class Y, unsigned LANES>
void cast(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
    cast<Config>(in, out, no_slopes());
}

}  // namespace hpq

#endif
