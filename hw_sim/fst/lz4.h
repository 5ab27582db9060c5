// For Verilator's FST writer on a machine without liblz4: the two functions that it calls. The result is a
// block as the LZ4 format describes it (lz4_Block_format.md): sequences of a token, literals, and a match of at
// least four bytes among the last 65,535; the last five bytes are literals, and no match begins in the last
// twelve.
#ifndef HPQ_FST_LZ4_H
#define HPQ_FST_LZ4_H

#include <cstdint>
#include <cstring>
#include <vector>

namespace hpq_fst {

inline char* length(char* to, long more) {
    for (; more >= 255; more -= 255) *to++ = static_cast<char>(255);
    *to++ = static_cast<char>(more);
    return to;
}

// Literals, and behind them a match; offset 0: none, at the end.
inline char* sequence(char* to, const char* from, long literals, long offset, long match) {
    const long extra = match - 4;
    const long high = literals < 15 ? literals : 15, low = offset == 0 ? 0 : extra < 15 ? extra : 15;
    *to++ = static_cast<char>(high << 4 | low);
    if (high == 15) to = length(to, literals - 15);
    std::memcpy(to, from, literals);
    to += literals;
    if (offset == 0) return to;
    *to++ = static_cast<char>(offset & 255);
    *to++ = static_cast<char>(offset >> 8);
    return low == 15 ? length(to, extra - 15) : to;
}

}  // namespace hpq_fst

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

// `room` is at least LZ4_compressBound(size).
inline int LZ4_compress_default(const char* from, char* to, int size, int) {
    std::vector<int> seen(1 << 14, -1);
    const char* const begin = to;
    int done = 0;
    for (int at = 0; at + 12 < size;) {
        uint32_t word;
        std::memcpy(&word, from + at, 4);
        int& slot = seen[word * 2654435761u >> 18];
        const int other = slot;
        slot = at;
        if (other < 0 || at - other > 65535 || std::memcmp(from + other, from + at, 4) != 0) {
            ++at;
            continue;
        }
        int match = 4;
        while (at + match < size - 5 && from[other + match] == from[at + match]) ++match;
        to = hpq_fst::sequence(to, from + done, at - done, at - other, match);
        at += match;
        done = at;
    }
    return static_cast<int>(hpq_fst::sequence(to, from + done, size - done, 0, 0) - begin);
}

#endif
