// SPDX-License-Identifier: Apache-2.0
// One transfer of an AXI4-Stream port in Vivado HLS, which makes TKEEP, TSTRB and TLAST of the members of
// these names. Its own ap_axiu has no way to leave out TUSER, TID and TDEST.
#ifndef HPQ_AXIS_WORD_H
#define HPQ_AXIS_WORD_H

#include <ap_int.h>

namespace hpq {

template <int BITS>
struct axis_word {
    ap_uint<BITS> data;
    ap_uint<BITS / 8> keep;
    ap_uint<BITS / 8> strb;
    ap_uint<1> last;
};

}  // namespace hpq

#endif
