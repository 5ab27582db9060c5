// Computes with the Xilinx headers, so that tests can compare with them. A line of the table is the number of words of
// a result, the name of the operation, the types of its operands and, last, the type of its result.

#include "words.h"

#include <utility>

namespace {

std::vector<Entry> table;

template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, int N>
std::string name_of(const ap_fixed_base<W, I, S, Q, O, N> *) {
    return type_name(S, W, I);
}

template <class Number>
std::string name() {
    return name_of(static_cast<const Number *>(nullptr));
}

void record(const std::string &text, int words_in, int words_out,
            void (*run)(const uint64_t *, uint64_t *, size_t)) {
    table.push_back({std::to_string(words_out) + " " + text, words_in, words_out, run});
}

struct Add {
    template <class A, class B>
    static auto compute(const A &a, const B &b) { return a + b; }
};
struct Subtract {
    template <class A, class B>
    static auto compute(const A &a, const B &b) { return a - b; }
};
struct Multiply {
    template <class A, class B>
    static auto compute(const A &a, const B &b) { return a * b; }
};
struct Compare {  // one bit per operator
    template <class A, class B>
    static auto compute(const A &a, const B &b) {
        return ap_ufixed<6, 6>((a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5);
    }
};

template <class Operation, class A, class B>
using Result = decltype(Operation::compute(A(), B()));

template <class Operation, class A, class B>
void run_pair(const uint64_t *operands, uint64_t *results, size_t count) {
    using R = Result<Operation, A, B>;
    for (size_t i = 0; i < count; ++i) {
        const A a = Words<A>::load(operands);
        const B b = Words<B>::load(operands + Words<A>::count);
        Words<R>::store(Operation::compute(a, b), results + i * Words<R>::count);
        operands += Words<A>::count + Words<B>::count;
    }
}

template <class Operation, class A, class B>
void add_operation(const char *operation) {
    using R = Result<Operation, A, B>;
    record(operation + (" " + name<A>() + " " + name<B>() + " " + name<R>()), Words<A>::count + Words<B>::count,
           Words<R>::count, run_pair<Operation, A, B>);
}

template <class A, class B>
void add_pair() {
    add_operation<Add, A, B>("add");
    add_operation<Subtract, A, B>("subtract");
    add_operation<Multiply, A, B>("multiply");
    add_operation<Compare, A, B>("compare");
}

// The second operand of a shift is an int, which may be negative.
template <class A, bool left>
void run_shift(const uint64_t *operands, uint64_t *results, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const A a = Words<A>::load(operands + 2 * i);
        const int by = static_cast<int>(static_cast<int64_t>(operands[2 * i + 1]));
        const auto shifted = left ? a << by : a >> by;
        static_assert(decltype(shifted)::width == A::width && decltype(shifted)::iwidth == A::iwidth);
        Words<A>::store(shifted, results + i);
    }
}

template <class A>
void run_negate(const uint64_t *operands, uint64_t *results, size_t count) {
    using R = decltype(-A());
    for (size_t i = 0; i < count; ++i)
        Words<R>::store(-Words<A>::load(operands + i), results + i * Words<R>::count);
}

template <class A>
void add_shift() {
    record("shift_left " + name<A>() + " " + name<A>(), 2, 1, run_shift<A, true>);
    record("shift_right " + name<A>() + " " + name<A>(), 2, 1, run_shift<A, false>);
    record("negate " + name<A>() + " " + name<decltype(-A())>(), 1, Words<decltype(-A())>::count, run_negate<A>);
}

template <class A, class B, class C, class Target>
void run_assign(const uint64_t *operands, uint64_t *results, size_t count) {
    for (size_t i = 0; i < count; ++i, operands += 3) {
        const Target target = Words<A>::load(operands) * Words<B>::load(operands + 1) + Words<C>::load(operands + 2);
        Words<Target>::store(target, results + i);
    }
}

template <class A, class B, class C, class Target>
void add_assign(const std::string &target) {
    record("assign " + name<A>() + " " + name<B>() + " " + name<C>() + " " + target, 3, 1,
           run_assign<A, B, C, Target>);
}

constexpr int terms = 8;

// An operand is the bias, then pairs of a weight and an input.
template <class Weight, class Input, class Bias, class Sum>
void run_accumulate(const uint64_t *operands, uint64_t *results, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        Sum sum = Words<Bias>::load(operands++);
        for (int term = 0; term < terms; ++term, operands += 2)
            sum += Words<Weight>::load(operands) * Words<Input>::load(operands + 1);
        Words<Sum>::store(sum, results + i * Words<Sum>::count);
    }
}

template <class Weight, class Input, class Bias, class Sum>
void add_accumulator() {
    record("accumulate " + name<Weight>() + " " + name<Input>() + " " + name<Bias>() + " " + name<Sum>(), 1 + 2 * terms,
           Words<Sum>::count, run_accumulate<Weight, Input, Bias, Sum>);
}

template <class Weight, class Input, class Bias, int fraction, int least, int... more>
void add_accumulators(std::integer_sequence<int, more...>) {
    (add_accumulator<Weight, Input, Bias, ap_fixed<least + more, least + more - fraction>>(), ...);
}

void fill_table() {
#define F(W, I) ap_fixed<W, I>
#define U(W, I) ap_ufixed<W, I>
#define PAIR(A, B) add_pair<A, B>();
#define SHIFT(KIND, W, I, Q, O) add_shift<KIND<W, I, Q, O>>();
#define ASSIGN(A, B, C, KIND, W, I, Q, O) \
    add_assign<A, B, C, KIND<W, I, Q, O>>(#KIND "<" #W "," #I "," #Q "," #O ">");
#define ACCUMULATE(WEIGHT, INPUT, BIAS, FRACTION, LEAST, WIDTHS) \
    add_accumulators<WEIGHT, INPUT, BIAS, FRACTION, LEAST>(std::make_integer_sequence<int, WIDTHS>());
#include "arithmetic.inc"
}

}  // namespace

int main(int argc, char **argv) {
    fill_table();
    return serve(table, argc, argv);
}
