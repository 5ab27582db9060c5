// SPDX-License-Identifier: Apache-2.0
// What a stream carries per clock cycle.
#ifndef HPQ_BEAT_H
#define HPQ_BEAT_H

#include <hls_stream.h>

// Loops have labels for the tool's reports; nothing jumps to them.
#pragma GCC diagnostic ignored "-Wunused-label"

namespace hpq {

// N consecutive elements of a tensor in channels-last order.
template <class T, unsigned N>
struct beat {
    T data[N];
};

}  // namespace hpq

#endif
