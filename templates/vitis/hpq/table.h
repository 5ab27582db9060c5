// SPDX-License-Identifier: Apache-2.0
// Functions by table. Config: value_t; index; beats.
#ifndef HPQ_TABLE_H
#define HPQ_TABLE_H

#include "beat.h"
#include "number.h"

namespace hpq {

// y = values[the lowest `index` bits of x]. A memory for each lane: the tool copies it where it must.
template <class Config, class X, class Y, unsigned LANES, class Raw, unsigned DEPTH>
void look_up_beat(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out,
                  const Raw (&values)[DEPTH]) {
#pragma HLS inline
    const beat<X, LANES> x = in.read();
    beat<Y, LANES> y;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const ap_uint<Config::index> place = to_bits(x.data[i]).range(Config::index - 1, 0);
        y.data[i] = from_raw<Y>(values[place]);
    }
    out.write(y);
}

template <class Config, class X, class Y, unsigned LANES, class Raw, unsigned DEPTH>
void look_up(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out, const Raw (&values)[DEPTH]) {
#pragma HLS inline
look_up_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1
        look_up_beat<Config>(in, out, values);
    }
}

}  // namespace hpq

#endif
