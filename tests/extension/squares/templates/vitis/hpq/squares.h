// Squared difference of two streams, element by element. Config: clip; beats; difference_t,
// accumulator_t (of the square).
#ifndef HPQ_SQUARES_H
#define HPQ_SQUARES_H

#include "beat.h"
#include "number.h"

namespace hpq {

template <class Config, class A, class B, class Y, unsigned LANES>
void squared_difference_beat(hls::stream<beat<A, LANES> >& in_a, hls::stream<beat<B, LANES> >& in_b,
                             hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
    const beat<A, LANES> a = in_a.read();
    const beat<B, LANES> b = in_b.read();
    beat<Y, LANES> y;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const typename Config::difference_t difference = a.data[i] - b.data[i];
        const typename Config::accumulator_t square = difference * difference;
        y.data[i] = finish<typename Config::clip, Y>(square);
    }
    out.write(y);
}

template <class Config, class A, class B, class Y, unsigned LANES>
void squared_difference(hls::stream<beat<A, LANES> >& in_a, hls::stream<beat<B, LANES> >& in_b,
                        hls::stream<beat<Y, LANES> >& out) {
#pragma HLS inline
squared_difference_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        squared_difference_beat<Config>(in_a, in_b, out);
    }
}

}  // namespace hpq

#endif
