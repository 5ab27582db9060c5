// SPDX-License-Identifier: Apache-2.0
// A stand-in for the vendor's ap_axi_sdata.h, for C simulation with a header set that lacks it: one transfer
// of an AXI4-Stream port without TUSER, TID and TDEST.
#ifndef HPQ_STANDIN_AP_AXI_SDATA_H
#define HPQ_STANDIN_AP_AXI_SDATA_H

#ifdef __SYNTHESIS__
#error "this ap_axi_sdata.h is for C simulation only; synthesis needs the one of the HLS tool"
#endif

#include <ap_int.h>

template <int DATA, int USER, int ID, int DEST>
struct ap_axiu;

template <int DATA>
struct ap_axiu<DATA, 0, 0, 0> {
    ap_uint<DATA> data;
    ap_uint<(DATA + 7) / 8> keep;
    ap_uint<(DATA + 7) / 8> strb;
    ap_uint<1> last;
};

#endif
