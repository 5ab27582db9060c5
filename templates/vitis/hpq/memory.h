// SPDX-License-Identifier: Apache-2.0
// Between the memory of a kernel and the ports of the design inside of it.
//
// A frame is FRAME words of ap_uint<BITS>, one frame behind the other. Each beat has a slot of SLOT bits, in which it
// lies as in TDATA, zeros above; slot 0 of a word is lowest, and what is left of a frame's last word is zero. A beat
// wider than a word takes PARTS of them, the lowest bits first.
//
// Each function is a process of its own: memory is read and written by loops that do nothing else, of which the tool
// makes bursts.
#ifndef HPQ_MEMORY_H
#define HPQ_MEMORY_H

#include "number.h"

#include <hls_stream.h>

// Loops have labels for the tool's reports; nothing jumps to them.
#pragma GCC diagnostic ignored "-Wunused-label"

namespace hpq {

template <unsigned FRAME, int BITS>
void read_memory(const ap_uint<BITS>* memory, hls::stream<ap_uint<BITS> >& words, unsigned frames) {
#pragma HLS inline
read_memory_words:
    for (unsigned i = 0; i < frames * FRAME; ++i) {
#pragma HLS loop_tripcount min=FRAME max=FRAME
#pragma HLS pipeline II=1 style=flp
        words.write(memory[i]);
    }
}

template <unsigned FRAME, int BITS>
void write_memory(hls::stream<ap_uint<BITS> >& words, ap_uint<BITS>* memory, unsigned frames) {
#pragma HLS inline
write_memory_words:
    for (unsigned i = 0; i < frames * FRAME; ++i) {
#pragma HLS loop_tripcount min=FRAME max=FRAME
#pragma HLS pipeline II=1 style=flp
        memory[i] = words.read();
    }
}

// A beat as a transfer of a port: the last of a frame says so.
template <class Word, class Bits>
Word transfer(const Bits& bits, bool last) {
#pragma HLS inline
    Word word;
    word.data = bits;
    word.keep = -1;
    word.strb = -1;
    word.last = last;
    return word;
}

// Words of several beats, or of one, into beats.
template <unsigned BEATS, int SLOT, class Word, int BITS>
void take_beats(hls::stream<ap_uint<BITS> >& words, hls::stream<Word>& port, unsigned frames) {
#pragma HLS inline
    const unsigned slots = unsigned(BITS / SLOT);
    ap_uint<BITS> word = 0;
    typename counter<slots>::type slot = 0;
    typename counter<BEATS>::type at = 0;
take_beats_steps:
    for (unsigned i = 0; i < frames * BEATS; ++i) {
#pragma HLS loop_tripcount min=BEATS max=BEATS
#pragma HLS pipeline II=1 style=flp
        const bool last = at == BEATS - 1;
        if (slot == 0) {
            word = words.read();
        }
        const ap_uint<SLOT> bits = word.range(SLOT - 1, 0);
        port.write(transfer<Word>(bits, last));
        word = slots == 1 ? ap_uint<BITS>(0) : ap_uint<BITS>(word >> (SLOT % BITS));
        advance<slots>(slot);
        if (last) {
            slot = 0;
        }
        advance<BEATS>(at);
    }
}

// Words of which a beat takes several.
template <unsigned BEATS, unsigned PARTS, class Word, int BITS>
void join_words(hls::stream<ap_uint<BITS> >& words, hls::stream<Word>& port, unsigned frames) {
#pragma HLS inline
    const int width = BITS * int(PARTS);
    const unsigned steps = BEATS * PARTS;
    ap_uint<width> bits = 0;
    typename counter<PARTS>::type part = 0;
    typename counter<BEATS>::type at = 0;
join_words_steps:
    for (unsigned i = 0; i < frames * steps; ++i) {
#pragma HLS loop_tripcount min=steps max=steps
#pragma HLS pipeline II=1 style=flp
        bits >>= BITS;
        bits.range(width - 1, width - BITS) = words.read();
        if (part == PARTS - 1) {
            port.write(transfer<Word>(bits, at == BEATS - 1));
            advance<BEATS>(at);
        }
        advance<PARTS>(part);
    }
}

// Beats into words of several, or of one.
template <unsigned BEATS, int SLOT, class Word, int BITS>
void put_beats(hls::stream<Word>& port, hls::stream<ap_uint<BITS> >& words, unsigned frames) {
#pragma HLS inline
    const unsigned slots = unsigned(BITS / SLOT);
    ap_uint<BITS> word = 0;
    typename counter<slots>::type slot = 0;
    typename counter<BEATS>::type at = 0;
put_beats_steps:
    for (unsigned i = 0; i < frames * BEATS; ++i) {
#pragma HLS loop_tripcount min=BEATS max=BEATS
#pragma HLS pipeline II=1 style=flp
        const bool last = at == BEATS - 1;
        const ap_uint<SLOT> bits = port.read().data;
        if (slot == 0) {
            word = 0;
        }
        for (unsigned s = 0; s < slots; ++s) {
#pragma HLS unroll
            if (slot == s) {
                word.range(int(s + 1) * SLOT - 1, int(s) * SLOT) = bits;
            }
        }
        if (last || slot == slots - 1) {
            words.write(word);
        }
        advance<slots>(slot);
        if (last) {
            slot = 0;
        }
        advance<BEATS>(at);
    }
}

// Beats of which each takes several words.
template <unsigned BEATS, unsigned PARTS, class Word, int BITS>
void split_beats(hls::stream<Word>& port, hls::stream<ap_uint<BITS> >& words, unsigned frames) {
#pragma HLS inline
    const int width = BITS * int(PARTS);
    const unsigned steps = BEATS * PARTS;
    ap_uint<width> bits = 0;
    typename counter<PARTS>::type part = 0;
split_beats_steps:
    for (unsigned i = 0; i < frames * steps; ++i) {
#pragma HLS loop_tripcount min=steps max=steps
#pragma HLS pipeline II=1 style=flp
        if (part == 0) {
            bits = port.read().data;
        } else {
            bits >>= BITS;
        }
        const ap_uint<BITS> word = bits.range(BITS - 1, 0);
        words.write(word);
        advance<PARTS>(part);
    }
}

}  // namespace hpq

#endif
