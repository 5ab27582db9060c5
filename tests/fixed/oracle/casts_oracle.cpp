// Casts numbers with the Xilinx headers, so that tests can compare with them. A line of the table is "source target".

#include "words.h"

#include <utility>

namespace {

constexpr ap_q_mode roundings[] = {AP_TRN,     AP_TRN_ZERO,    AP_RND,     AP_RND_ZERO,
                                   AP_RND_INF, AP_RND_MIN_INF, AP_RND_CONV};
constexpr ap_o_mode overflows[] = {AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP, AP_WRAP_SM};
const char *const rounding_names[] = {"AP_TRN",     "AP_TRN_ZERO",    "AP_RND",     "AP_RND_ZERO",
                                      "AP_RND_INF", "AP_RND_MIN_INF", "AP_RND_CONV"};
const char *const overflow_names[] = {"AP_SAT", "AP_SAT_ZERO", "AP_SAT_SYM", "AP_WRAP", "AP_WRAP_SM"};
constexpr int n_roundings = 7;
constexpr int n_overflows = 5;
constexpr int n_modes = n_roundings * n_overflows;

std::vector<Entry> table;

template <class Source, class Target>
void run(const uint64_t *operands, uint64_t *results, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const Target target = Words<Source>::load(operands + i * Words<Source>::count);
        Words<Target>::store(target, results + i);
    }
}

template <class Source>
void run_to_double(const uint64_t *operands, uint64_t *results, size_t count) {
    for (size_t i = 0; i < count; ++i)
        Words<double>::store(Words<Source>::load(operands + i * Words<Source>::count).to_double(), results + i);
}

// What the target makes of the source's bits; the headers decide much of it when they are compiled.
enum Kind {
    both,   // some dropped below, some deleted above
    below,  // some or all dropped below
    exact,  // none dropped
    gone,   // every bit lies below the target's lowest
    wide,   // a source of up to 128 bits, the point anywhere
    n_kinds
};

struct Source {
    int width, integer;
    bool is_signed;
};

constexpr uint64_t mix(uint64_t x) {  // the finalizer of SplitMix64
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

// The n-th source of a target: pseudo-random, and the same in every build. A third of the modes share a source, since
// a new type costs as much compile time as a new cast.
constexpr Source draw(int width, int integer, int mode, bool is_signed, int n, int sources) {
    const uint64_t seed = mix((width * 64 + mode % 3) * 16 + n);
    const int one = seed % 1000, other = (seed >> 20) % 1000, rounding = mode / n_overflows;
    int kind = sources == n_kinds ? n : n == 0 ? wide : one % wide;
    if (kind == exact && rounding != 0 && rounding != 6) kind = below;  // without a dropped bit they are all alike
    int bits = 1 + one % 9, dropped = 0;
    if (kind == both) {
        dropped = 1 + other % 4;
        bits = width + dropped + 1 + one % 4;
    } else if (kind == below) {
        dropped = 1 + other % bits;
    } else if (kind == exact) {
        dropped = -(other % (width + 3));
    } else if (kind == gone) {
        dropped = bits + 1 + other % 3;
    } else {
        bits = 15 + one % 114;
        dropped = other % (bits + width / 2) - width / 2;
    }
    // A target alternates between signed and unsigned sources; which comes first depends on the mode.
    return {bits, bits - (width - integer + dropped), (n + mode + width + is_signed) % 2 == 0};
}

// Not a template, for the sake of compile time, like all that need not be one.
void record(const std::string &source, int width, int integer, bool is_signed, int mode, int words,
            void (*run)(const uint64_t *, uint64_t *, size_t)) {
    std::string target = type_name(is_signed, width, integer);
    target.pop_back();
    target += std::string(",") + rounding_names[mode / n_overflows] + "," + overflow_names[mode % n_overflows] + ">";
    table.push_back({source + " " + target, words, 1, run});
}

void record(Source source, int width, int integer, bool is_signed, int mode,
            void (*run)(const uint64_t *, uint64_t *, size_t)) {
    record(type_name(source.is_signed, source.width, source.integer), width, integer, is_signed, mode,
           (source.width + 63) / 64, run);
}

template <class To, int mode, bool is_signed, int n, int sources>
void add_source() {
    constexpr Source source = draw(To::width, To::iwidth, mode, is_signed, n, sources);
    using From = ap_fixed_base<source.width, source.integer, source.is_signed>;
    record(source, To::width, To::iwidth, is_signed, mode, run<From, To>);
}

template <class To, int mode, bool is_signed, int sources, int... n>
void add_sources(std::integer_sequence<int, n...>) {
    (add_source<To, mode, is_signed, n, sources>(), ...);
}

// No sources stands for double.
template <int W, int I, int mode, bool is_signed, int sources>
void add_target() {
    constexpr ap_q_mode Q = roundings[mode / n_overflows];
    constexpr ap_o_mode O = overflows[mode % n_overflows];
    if constexpr (is_signed || O != AP_WRAP_SM) {  // which the headers refuse for an unsigned type
        using To = std::conditional_t<is_signed, ap_fixed<W, I, Q, O>, ap_ufixed<W, I, Q, O>>;
        if constexpr (sources == 0)
            record("double", W, I, is_signed, mode, 1, run<double, To>);
        else
            add_sources<To, mode, is_signed, sources>(std::make_integer_sequence<int, sources>());
    }
}

template <int W, int I, int sources, int... mode>
void add_modes(std::integer_sequence<int, mode...>) {
    (add_target<W, I, mode, true, sources>(), ...);
    (add_target<W, I, mode, false, sources>(), ...);
}

template <class From, class To>
void add_integer(const std::string &text) {
    table.push_back({text, 1, 1, run<From, To>});
}

template <class From>
void add_to_double(const std::string &source) {
    table.push_back({source + " double", 1, 1, run_to_double<From>});
}

void fill_table() {
#define FROM_DOUBLE(W, I) add_modes<W, I, 0>(std::make_integer_sequence<int, n_modes>());
#define FROM_FIXED(W, I, SOURCES) add_modes<W, I, SOURCES>(std::make_integer_sequence<int, n_modes>());
#define TO_INTEGER(KIND, W)                                 \
    add_integer<double, KIND<W>>("double " #KIND "<" #W ">"); \
    add_integer<ap_fixed<40, 16>, KIND<W>>("ap_fixed<40,16> " #KIND "<" #W ">");
#define TO_DOUBLE(KIND, W, I) add_to_double<KIND<W, I>>(#KIND "<" #W "," #I ">");
#include "casts.inc"
}

}  // namespace

int main(int argc, char **argv) {
    fill_table();
    return serve(table, argc, argv);
}
