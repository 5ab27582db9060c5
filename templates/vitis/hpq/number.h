// SPDX-License-Identifier: Apache-2.0
// Fixed-point numbers: what their bits are, how they come out of a ROM, how a layer's result is cast.
#ifndef HPQ_NUMBER_H
#define HPQ_NUMBER_H

#include <ap_fixed.h>
#include <ap_int.h>

namespace hpq {

// number<T>: what a fixed-point type is made of, the integer that has the same bits (raw), the same type with
// the default rounding and overflow (plain), and that one with more bits on the left (extended).
template <class T>
struct number;

template <int W, int I, ap_q_mode Q, ap_o_mode O, int N>
struct number<ap_fixed<W, I, Q, O, N> > {
    static const int width = W;
    static const int fraction = W - I;
    static const bool is_signed = true;
    typedef ap_int<W> raw;
    typedef ap_fixed<W, I> plain;
    template <int WIDTH>
    struct extended {
        typedef ap_fixed<WIDTH, WIDTH - (W - I)> type;
    };
};

template <int W, int I, ap_q_mode Q, ap_o_mode O, int N>
struct number<ap_ufixed<W, I, Q, O, N> > {
    static const int width = W;
    static const int fraction = W - I;
    static const bool is_signed = false;
    typedef ap_uint<W> raw;
    typedef ap_ufixed<W, I> plain;
    template <int WIDTH>
    struct extended {
        typedef ap_ufixed<WIDTH, WIDTH - (W - I)> type;
    };
};

// The unsigned integer that counts from 0 to N - 1: counters have just the bits that they need.
template <unsigned long long N>
struct bits_of {
    static const int value = 1 + bits_of<N / 2>::value;
};
template <>
struct bits_of<0> {
    static const int value = 0;
};

template <unsigned long long N>
struct counter {
    typedef ap_uint<bits_of<(N > 2 ? N - 1 : 1)>::value> type;
};

// The next number of a counter that begins again behind N - 1.
template <unsigned long long N, class Counter>
inline void advance(Counter& count) {
#pragma HLS inline
    if (count == N - 1) {
        count = 0;
    } else {
        ++count;
    }
}

// A ROM is an array of unsigned integers that C++ has anyway, [memories][words][parts of a word]: every compiler
// sees constants in it, as it does not in objects of a class. The elements of a word lie side by side, each in
// exactly WIDTH bits, element 0 lowest, from part to part and from memory to memory.
template <int WIDTH, class Part, unsigned MEMORIES, unsigned DEPTH, unsigned PARTS, class Place>
inline ap_uint<WIDTH> rom_element(const Part (&rom)[MEMORIES][DEPTH][PARTS], const Place& word, unsigned element) {
#pragma HLS inline
    const unsigned width = WIDTH, size = 8 * sizeof(Part);
    const unsigned touched = size % width == 0 ? 1 : (width + size - 2) / size + 1;  // parts, at most
    const unsigned low = element * width;
    unsigned long long bits = 0;
    for (unsigned t = 0; t < touched; ++t) {
#pragma HLS unroll
        const unsigned part = low / size + t, begin = part * size;
        if (part < MEMORIES * PARTS && begin < low + width) {
            const unsigned long long value = rom[part / PARTS][word][part % PARTS];
            bits |= begin < low ? value >> (low - begin) : value << (begin - low);
        }
    }
    return bits;
}

// The number whose bits are the integer `raw`.
template <class T, class Raw>
inline T from_raw(Raw raw) {
#pragma HLS inline
    const typename number<T>::raw bits = raw;
    T value;
    value.range(number<T>::width - 1, 0) = bits;
    return value;
}

// A weight that is +1 or -1 times its scale, whose ROM holds one bit of it, 1 for -1. T: the type of two bits
// that holds both.
template <class T>
struct sign {};

template <class T>
struct number<sign<T> > {
    static const int width = 1;
    static const bool is_signed = false;
    typedef ap_uint<1> raw;
};

// What a ROM element says of a weight.
template <class T>
struct decoder {
    typedef T type;
    template <class Raw>
    static T value(Raw raw) {
#pragma HLS inline
        return from_raw<T>(raw);
    }
};

template <class T>
struct decoder<sign<T> > {
    typedef T type;
    template <class Raw>
    static T value(Raw raw) {
#pragma HLS inline
        return from_raw<T>(raw != 0 ? -1 : 1);
    }
};

template <class T, class Rom, class Place>
inline typename decoder<T>::type weight_value(const Rom& rom, const Place& word, unsigned element) {
#pragma HLS inline
    return decoder<T>::value(rom_element<number<T>::width>(rom, word, element));
}

// The exact type of the product of an A and a B.
template <int W, int I, bool SIGNED>
struct fixed {
    typedef ap_fixed<W, I> type;
};

template <int W, int I>
struct fixed<W, I, false> {
    typedef ap_ufixed<W, I> type;
};

template <class A, class B>
struct product {
    static const int width = number<A>::width + number<B>::width;
    static const int fraction = number<A>::fraction + number<B>::fraction;
    typedef typename fixed<width, width - fraction, number<A>::is_signed || number<B>::is_signed>::type type;
};

// A layer multiplies by Config::multiplier. This one leaves it to the tool what a product is built from.
struct free_multiplier {
    template <class A, class B>
    static typename product<A, B>::type apply(const A& a, const B& b) {
#pragma HLS inline
        return a * b;
    }
};

// The bits of a number as an unsigned integer.
template <class T>
inline ap_uint<number<T>::width> to_bits(const T& value) {
#pragma HLS inline
    return value.range(number<T>::width - 1, 0);
}

// The same bits under another type of the same width: copying must never round or saturate.
template <class To, class From>
struct recoder {
    static To apply(const From& value) {
#pragma HLS inline
        return from_raw<To>(to_bits(value));
    }
};

template <class T>
struct recoder<T, T> {
    static T apply(const T& value) {
#pragma HLS inline
        return value;
    }
};

template <class To, class From>
inline To recode(const From& value) {
#pragma HLS inline
    return recoder<To, From>::apply(value);
}

// The range that a sum is brought into before it is cast; bounds in raw units of the sum. A lower bound of 0 is for
// what is cast: what is negative is rounded to 0 or less.
template <bool HAS_LOW, long long LOW, bool HAS_HIGH, long long HIGH>
struct clip {
    static const bool rectifies = HAS_LOW && LOW == 0;

    template <class Sum>
    static Sum apply(const Sum& sum) {
#pragma HLS inline
        const Sum low = from_raw<Sum>(LOW), high = from_raw<Sum>(HIGH);
        const Sum raised = HAS_LOW && !rectifies && sum < low ? low : sum;
        return HAS_HIGH && raised > high ? high : raised;
    }
};

typedef clip<false, 0, false, 0> no_clip;
typedef clip<true, 0, false, 0> relu;

// The end of every computing kernel: its range, then the one cast to the output's type, which rounds and
// saturates as that type says. `sum` is exact. The vendor's headers look at the bits that are rounded away, and
// stop in C simulation if there are more of these than bits; hence the extension.
template <class Clip, class Y, class Sum>
inline Y finish(const Sum& sum) {
#pragma HLS inline
    const int dropped = number<Sum>::fraction - number<Y>::fraction;
    const int width = dropped >= number<Sum>::width ? dropped + 1 : number<Sum>::width;
    const typename number<Sum>::template extended<width>::type extended = Clip::apply(sum);
    const Y result = Y(extended);
    return Clip::rectifies && sum < 0 ? Y(0) : result;
}

// Slopes: what a sum is multiplied by where it is negative, a constant or one for each lane; a word for each beat,
// one after another and again from the first. The product and the sum have Config::leaky_t, which holds both, and is
// what is cast. Config: slope_t; slope_lanes, elements of a word. no_slopes: a layer has none.
struct no_slopes {};

template <class Config, class Y, class Sum, class Place>
inline Y finish(const Sum& sum, const no_slopes&, const Place&, unsigned) {
#pragma HLS inline
    return finish<typename Config::clip, Y>(sum);
}

template <class Config, class Y, class Sum, class Slopes, class Place>
inline Y finish(const Sum& sum, const Slopes& slopes, const Place& word, unsigned lane) {
#pragma HLS inline
    typedef typename Config::slope_t slope_t;
    const slope_t slope =
        from_raw<slope_t>(rom_element<number<slope_t>::width>(slopes, word, Config::slope_lanes == 1 ? 0 : lane));
    typename Config::leaky_t result = sum;
    if (sum < 0) {
        result = Config::multiplier::apply(sum, slope);
    }
    return finish<no_clip, Y>(result);
}

// Words of a ROM; 1 where there is none.
template <class Rom>
struct words_of {
    static const unsigned value = 1;
};

template <class Part, unsigned MEMORIES, unsigned DEPTH, unsigned PARTS>
struct words_of<Part[MEMORIES][DEPTH][PARTS]> {
    static const unsigned value = DEPTH;
};

// The starting value of a sum: an element of the bias ROM, or zero where a layer has no bias.
struct no_bias {};

template <class Config, class Rom, class Place>
inline typename Config::accumulator_t initial(const Rom& bias, const Place& row, unsigned column) {
#pragma HLS inline
    typedef typename Config::bias_t bias_t;
    return from_raw<bias_t>(rom_element<number<bias_t>::width>(bias, row, column));
}

template <class Config, class Place>
inline typename Config::accumulator_t initial(const no_bias&, const Place&, unsigned) {
#pragma HLS inline
    return 0;
}

// A row's weights may be integers of a scale of its own: its sum of products counts 2**shift times as much.
// The shifts of rows that are folded onto one unit are a ROM; with one word of them, each unit has one shift,
// which takes wires only. no_shift: all rows of the layer have one scale. Bits lost on the left are none that
// the result needs, because what it is added to has room for the shifted sum.
struct no_shift {};

template <class Config, class Sum, class Shift, class Place>
inline Sum scaled(const Sum& sum, const Shift& shift, const Place& row, unsigned unit) {
#pragma HLS inline
    const int width = number<typename Config::shift_t>::width;
    const Place word = words_of<Shift>::value == 1 ? Place(0) : row;
    return sum << rom_element<width>(shift, word, unit).to_uint();
}

template <class Config, class Sum, class Place>
inline Sum scaled(const Sum& sum, const no_shift&, const Place&, unsigned) {
#pragma HLS inline
    return sum;
}

}  // namespace hpq

#endif
