// SPDX-License-Identifier: Apache-2.0
// Any element of a frame anywhere in the frame that leaves.
#ifndef HPQ_REORDER_H
#define HPQ_REORDER_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Writes a frame to memories, one for each read of a cycle; the tool keeps two of each, and writes one while the
// other is read. They change hands at the end of a frame, so that neither loop rewinds.
template <class Config, class X, unsigned IN, unsigned READS, unsigned WORDS>
void reorder_fill(hls::stream<beat<X, IN> >& in, X (&memory)[READS][WORDS][IN]) {
#pragma HLS inline
reorder_words:
    for (unsigned word = 0; word < WORDS; ++word) {
#pragma HLS pipeline II=1 style=flp
        const beat<X, IN> x = in.read();
        for (unsigned read = 0; read < READS; ++read) {
#pragma HLS unroll
            for (unsigned l = 0; l < IN; ++l) {
#pragma HLS unroll
                memory[read][word][l] = x.data[l];
            }
        }
    }
}

// index, word `beat`, element `read`: (whether it is zero,) the word, and the place of the atom in it.
template <class Config, class X, unsigned IN, class Y, unsigned OUT, unsigned READS, unsigned WORDS, class Index>
void reorder_read(X (&memory)[READS][WORDS][IN], hls::stream<beat<Y, OUT> >& out, const Index& index) {
#pragma HLS inline
reorder_beats:
    for (unsigned i = 0; i < Config::beats; ++i) {
#pragma HLS pipeline II=1 style=flp
        beat<Y, OUT> y;
        for (unsigned read = 0; read < READS; ++read) {
#pragma HLS unroll
            const unsigned entry = rom_element<Config::entry_bits>(index, i, read).to_uint();
            const unsigned place = entry & ((1u << Config::place_bits) - 1);
            const unsigned word = (entry >> Config::place_bits) & ((1u << Config::word_bits) - 1);
            const bool zero = (entry >> (Config::place_bits + Config::word_bits)) != 0;
            for (unsigned l = 0; l < Config::atom; ++l) {
#pragma HLS unroll
                y.data[read * Config::atom + l] =
                    zero ? from_raw<Y>(0) : recode<Y>(memory[read][word][place * Config::atom + l]);
            }
        }
        out.write(y);
    }
}

}  // namespace hpq

#endif
