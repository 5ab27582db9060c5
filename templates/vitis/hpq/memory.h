// SPDX-License-Identifier: Apache-2.0
// Between the memory of a kernel and the ports of the design inside of it.
//
// A frame is FRAME words of ap_uint<BITS>, one frame behind the other. Each beat has a slot of SLOT bits, in which it
// lies as in TDATA, zeros above; slot 0 of a word is lowest, and what is left of a frame's last word is zero. A beat
// wider than a word takes PARTS of them, the lowest bits first.
//
// Each function is a process of its own. Memory is read and written by loops over a whole batch that do nothing else, of
// which the tool makes bursts; the others do a frame at a time.
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

// A frame of one beat, which a word holds.
template <int SLOT, class Word, int BITS>
void take_frame(hls::stream<ap_uint<BITS> >& words, hls::stream<Word>& port) {
#pragma HLS inline
    const ap_uint<BITS> word = words.read();
    const ap_uint<SLOT> bits = word.range(SLOT - 1, 0);
    port.write(transfer<Word>(bits, true));
}

template <class Word, int BITS>
void put_frame(hls::stream<Word>& port, hls::stream<ap_uint<BITS> >& words) {
#pragma HLS inline
    const ap_uint<BITS> word = port.read().data;
    words.write(word);
}

// A frame of words that hold several beats, or one.
template <unsigned BEATS, int SLOT, class Word, int BITS>
void take_beats(hls::stream<ap_uint<BITS> >& words, hls::stream<Word>& port) {
#pragma HLS inline
    const unsigned slots = unsigned(BITS / SLOT);
    ap_uint<BITS> word;
    typename counter<slots>::type slot;
take_beats_steps:
    for (unsigned i = 0; i < BEATS; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            slot = 0;
        }
        if (slot == 0) {
            word = words.read();
        }
        const ap_uint<SLOT> bits = word.range(SLOT - 1, 0);
        port.write(transfer<Word>(bits, i == BEATS - 1));
        word = slots == 1 ? ap_uint<BITS>(0) : ap_uint<BITS>(word >> (SLOT % BITS));
        advance<slots>(slot);
    }
}

// A frame of beats that take several words each.
template <unsigned BEATS, unsigned PARTS, class Word, int BITS>
void join_words(hls::stream<ap_uint<BITS> >& words, hls::stream<Word>& port) {
#pragma HLS inline
    const int width = BITS * int(PARTS);
    ap_uint<width> bits;
    typename counter<PARTS>::type part;
join_words_steps:
    for (unsigned i = 0; i < BEATS * PARTS; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            bits = 0;
            part = 0;
        }
        bits >>= BITS;
        bits.range(width - 1, width - BITS) = words.read();
        if (part == PARTS - 1) {
            port.write(transfer<Word>(bits, i == BEATS * PARTS - 1));
        }
        advance<PARTS>(part);
    }
}

// The other way: beats into words of several, or of one.
template <unsigned BEATS, int SLOT, class Word, int BITS>
void put_beats(hls::stream<Word>& port, hls::stream<ap_uint<BITS> >& words) {
#pragma HLS inline
    const unsigned slots = unsigned(BITS / SLOT);
    ap_uint<BITS> word;
    typename counter<slots>::type slot;
put_beats_steps:
    for (unsigned i = 0; i < BEATS; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        const ap_uint<SLOT> bits = port.read().data;
        if (i == 0) {
            slot = 0;
        }
        if (slot == 0) {
            word = 0;
        }
        for (unsigned s = 0; s < slots; ++s) {
#pragma HLS unroll
            if (slot == s) {
                word.range(int(s + 1) * SLOT - 1, int(s) * SLOT) = bits;
            }
        }
        if (i == BEATS - 1 || slot == slots - 1) {
            words.write(word);
        }
        advance<slots>(slot);
    }
}

// Beats of which each takes several words.
template <unsigned BEATS, unsigned PARTS, class Word, int BITS>
void split_beats(hls::stream<Word>& port, hls::stream<ap_uint<BITS> >& words) {
#pragma HLS inline
    const int width = BITS * int(PARTS);
    ap_uint<width> bits;
    typename counter<PARTS>::type part;
split_beats_steps:
    for (unsigned i = 0; i < BEATS * PARTS; ++i) {
#pragma HLS pipeline II=1 style=flp rewind
        if (i == 0) {
            part = 0;
        }
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
