// SPDX-License-Identifier: Apache-2.0
// Any element of a frame anywhere in the frame that leaves.
#ifndef HPQ_REORDER_H
#define HPQ_REORDER_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Writes a frame to memory; the tool keeps two, and writes one while the other is read.
template <class Config, class X, unsigned IN>
void reorder_fill(hls::stream<beat<X, IN> >& in, X memory[][IN]) {
reorder_words:
    for (unsigned word = 0; word < Config::words; ++word) {
#pragma HLS pipeline II=1
        const beat<X, IN> x = in.read();
        for (unsigned l = 0; l < IN; ++l) {
#pragma HLS unroll
            memory[word][l] = x.data[l];
        }
    }
}

// index[beat][read]: (whether it is zero,) the word, and the place of the atom in it.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, class Index>
void reorder_read(const X memory[][IN], hls::stream<beat<Y, OUT> >& out, const Index index[][OUT / Config::atom]) {
reorder_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1
        beat<Y, OUT> y;
        for (unsigned read = 0; read < OUT / Config::atom; ++read) {
#pragma HLS unroll
            const unsigned entry = index[i][read];
            const unsigned place = entry & ((1u << Config::place_bits) - 1);
            const unsigned word = (entry >> Config::place_bits) & ((1u << Config::word_bits) - 1);
            const bool zero = (entry >> (Config::place_bits + Config::word_bits)) != 0;
            for (unsigned l = 0; l < Config::atom; ++l) {
#pragma HLS unroll
                y.data[read * Config::atom + l] =
                    zero ? from_raw<Y>(0) : recode<Y>(memory[word][place * Config::atom + l]);
            }
        }
        out.write(y);
    }
}

}  // namespace hpq

#endif
