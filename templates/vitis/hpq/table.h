// SPDX-License-Identifier: Apache-2.0
// Functions by table. Config: value_t; index; beats.
#ifndef HPQ_TABLE_H
#define HPQ_TABLE_H

#include "beat.h"
#include "number.h"

namespace hpq {

// y = the word of `values` that the lowest `index` bits of x say. A memory for each lane: the tool copies it where it must.
template <class Config, class X, class Y, unsigned LANES, class Rom>
void look_up_beat(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out,
                  const Rom& values) {
#pragma HLS inline
    const beat<X, LANES> x = in.read();
    beat<Y, LANES> y;
    for (unsigned i = 0; i < LANES; ++i) {
#pragma HLS unroll
        const ap_uint<Config::index> place = to_bits(x.data[i]).range(Config::index - 1, 0);
        y.data[i] = from_raw<Y>(rom_element<number<typename Config::value_t>::width>(values, place, 0));
    }
    out.write(y);
}

template <class Config, class X, class Y, unsigned LANES, class Rom>
void look_up(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, LANES> >& out, const Rom& values) {
#pragma HLS inline
look_up_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        look_up_beat<Config>(in, out, values);
    }
}

}  // namespace hpq

#endif
