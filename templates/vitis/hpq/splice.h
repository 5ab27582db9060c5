// SPDX-License-Identifier: Apache-2.0
// Beats of several streams in one: one after another, or side by side.
#ifndef HPQ_SPLICE_H
#define HPQ_SPLICE_H

#include "beat.h"
#include "number.h"

namespace hpq {

// An element as it leaves: cast, or as it is. The plain type stands between the two,
// because C++ copies an object of the very same type without looking.
template <bool CASTS, class Y>
struct leaving {
    template <class X>
    static Y apply(const X& x) {
#pragma HLS inline
        return finish<no_clip, Y>(recode<typename number<X>::plain>(x));
    }
};

template <class Y>
struct leaving<false, Y> {
    template <class X>
    static Y apply(const X& x) {
#pragma HLS inline
        return recode<Y>(x);
    }
};

// The next beat of an input in the elements `at` .. `at + IN - 1` of y.
template <bool CASTS, class X, unsigned IN, class Y, unsigned OUT>
void take(hls::stream<beat<X, IN> >& in, beat<Y, OUT>& y, unsigned at) {
#pragma HLS inline
    const beat<X, IN> x = in.read();
    for (unsigned l = 0; l < IN; ++l) {
#pragma HLS unroll
        y.data[at + l] = leaving<CASTS, Y>::apply(x.data[l]);
    }
}

}  // namespace hpq

#endif
