// SPDX-License-Identifier: Apache-2.0
// The sums of products of the rows that a matrix-vector unit works on at once, in one cycle.
#ifndef HPQ_ROWS_H
#define HPQ_ROWS_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Each row has multiplications of its own. weight: in word `place`, elements p * SIMD + s.
struct rows_apart {
    template <class Config, class X, unsigned SIMD, unsigned PE, class Weight, class Place>
    static void sum(typename Config::accumulator_t (&partial)[PE], const Weight& weight, const Place& place,
                    const beat<X, SIMD>& x) {
#pragma HLS inline
        for (unsigned p = 0; p < PE; ++p) {
#pragma HLS unroll
            partial[p] = 0;
            for (unsigned s = 0; s < SIMD; ++s) {
#pragma HLS unroll
                partial[p] += Config::multiplier::apply(
                    weight_value<typename Config::weight_t>(weight, place, p * SIMD + s), x.data[s]);
            }
        }
    }
};

// ROWS rows share multiplications: their weights of a column are one factor, FIELD bits apart, and the element that
// they share is the other. The products of up to four columns are added up before they are taken apart. A row's sum
// is SUM_W bits wide, with half their range added (OFFSET), so that none is negative and borrows from the row above.
// Where that is more than a field, the lowest bits of a sum are made from the lowest bits of the factors; what these
// bits are more in the packed sum is what the row below has above its field.
//
// The ROM holds weights as they stand in the factor: less one where what lies below is negative.
template <unsigned ROWS, int FIELD, int SUM_W, bool OFFSET>
struct rows_packed {
    static const int top = (ROWS - 1) * FIELD;
    static const int low_width = SUM_W > FIELD ? SUM_W - FIELD : 1;

    template <class Config, class X, unsigned SIMD, unsigned PE, class Weight, class Place>
    static void sum(typename Config::accumulator_t (&partial)[PE], const Weight& weight, const Place& place,
                    const beat<X, SIMD>& x) {
#pragma HLS inline
        for (unsigned p = 0; p < PE; ++p) {
#pragma HLS unroll
            partial[p] = 0;
        }
        for (unsigned first = 0; first < PE; first += ROWS) {
#pragma HLS unroll
            for (unsigned s = 0; s < SIMD; s += 4) {
#pragma HLS unroll
                columns<Config>(partial, weight, place, x, first, s);
            }
        }
    }

private:
    // Adds to the sums of the rows from `first` on what the columns from `from` on, four at most, come to.
    template <class Config, class X, unsigned SIMD, unsigned PE, class Weight, class Place>
    static void columns(typename Config::accumulator_t (&partial)[PE], const Weight& weight, const Place& place,
                        const beat<X, SIMD>& x, unsigned first, unsigned from) {
#pragma HLS inline
        typedef typename Config::weight_t weight_t;
        const int width = number<weight_t>::width;
        const int element_width = number<X>::is_signed ? number<X>::width : number<X>::width + 1;
        ap_int<top + SUM_W> total = 0;
        ap_uint<low_width> low[ROWS];
#pragma HLS array_partition variable=low type=complete
        for (unsigned r = 0; r < ROWS; ++r) {
#pragma HLS unroll
            low[r] = 0;
            total[r * FIELD + SUM_W - 1] = OFFSET;
        }
        for (unsigned c = 0; c < 4; ++c) {
#pragma HLS unroll
            if (from + c < SIMD) {
                const typename number<X>::raw raw = to_bits(x.data[from + c]);
                const ap_int<element_width> element = raw;
                ap_int<top + width + 1> factor = 0;
                ap_uint<1> below = 0;  // whether what is in the factor so far is negative
                for (unsigned r = 0; r < ROWS; ++r) {
#pragma HLS unroll
                    ap_uint<width> bits = 0;
                    if (first + r < PE) {
                        bits = rom_element<width>(weight, place, (first + r) * SIMD + from + c);
                    } else if (below != 0) {
                        bits = ~bits;  // no row: zero, less one
                    }
                    ap_int<width + 1> field = bits;
                    field[width] = negative<weight_t>(bits, below);
                    low[r] += ap_uint<low_width>(field + below) * ap_uint<low_width>(element);
                    if (r == ROWS - 1) {
                        factor.range(top + width, top) = field;
                    } else {
                        const ap_int<FIELD> wide = field;
                        factor.range(r * FIELD + FIELD - 1, r * FIELD) = wide;
                    }
                    below = field[width];
                }
                total += Config::shared_multiplier::apply(factor, element);
            }
        }
        take_apart<Config, X>(partial, total, low, first);
    }

    // One less than the least weight has the bits of the largest.
    template <class W>
    static bool negative(const ap_uint<number<W>::width>& bits, const ap_uint<1>& below) {
#pragma HLS inline
        const int width = number<W>::width;
        ap_uint<width> largest = 0;
        largest = ~largest;
        largest[width - 1] = 0;
        return number<W>::is_signed && (bits[width - 1] == 1 || (below != 0 && bits == largest));
    }

    template <class Config, class X, unsigned PE>
    static void take_apart(typename Config::accumulator_t (&partial)[PE], const ap_uint<top + SUM_W>& total,
                           const ap_uint<low_width> (&low)[ROWS], unsigned first) {
#pragma HLS inline
        const int fraction = product<typename Config::weight_t, X>::fraction;
        typedef ap_fixed<SUM_W + 1, SUM_W + 1 - fraction> sum_t;
        ap_uint<low_width> above = 0;  // what a row has above its field
        for (unsigned up = 0; up < ROWS; ++up) {
#pragma HLS unroll
            const unsigned r = ROWS - 1 - up;
            ap_uint<SUM_W> whole = total >> (r * FIELD);
            if (r != ROWS - 1 && SUM_W > FIELD) {
                whole.range(SUM_W - 1, FIELD) = above;
            }
            ap_uint<low_width> carried = 0;
            if (r != 0 && SUM_W > FIELD) {
                carried = ap_uint<low_width>(whole) - low[r];
            }
            above = carried;
            const ap_uint<SUM_W> own = whole - carried;
            ap_int<SUM_W + 1> value = own;
            if (OFFSET) {  // half the range off again: the highest bit, inverted, is the sign
                value[SUM_W - 1] = !own[SUM_W - 1];
                value[SUM_W] = !own[SUM_W - 1];
            }
            if (first + r < PE) {
                partial[first + r] += from_raw<sum_t>(value);
            }
        }
    }
};

}  // namespace hpq

#endif
