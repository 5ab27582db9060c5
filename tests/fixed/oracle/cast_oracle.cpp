// Casts numbers with the Xilinx headers, so that tests can compare with them.
//
//   cast_oracle                     prints the table of casts, one line each: "source target"
//   cast_oracle REQUEST RESPONSE    performs the casts that the file REQUEST asks for
//
// REQUEST is a sequence of blocks of 64-bit words: the line number of a cast, a count, then the operands. An operand
// is the raw bits of a fixed-point number, low word first (two words where it is wider than 64 bits), or a double.
// RESPONSE gets one word per operand: the raw bits of the result, sign-extended if it is signed, or a double.

#include <ap_fixed.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace {

constexpr ap_q_mode roundings[] = {AP_TRN,     AP_TRN_ZERO,    AP_RND,     AP_RND_ZERO,
                                   AP_RND_INF, AP_RND_MIN_INF, AP_RND_CONV};
constexpr ap_o_mode overflows[] = {AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP, AP_WRAP_SM};
const char *const rounding_names[] = {"AP_TRN",     "AP_TRN_ZERO",    "AP_RND",     "AP_RND_ZERO",
                                      "AP_RND_INF", "AP_RND_MIN_INF", "AP_RND_CONV"};
const char *const overflow_names[] = {"AP_SAT", "AP_SAT_ZERO", "AP_SAT_SYM", "AP_WRAP", "AP_WRAP_SM"};
constexpr int n_roundings = 7;
constexpr int n_overflows = 5;

struct Cast {
    const char *source, *target;
    int width, integer;  // with mode, complete the target's name; not used where mode is -1
    int mode;            // rounding * n_overflows + overflow
    int words;           // per operand
    void (*run)(const uint64_t *operands, uint64_t *results, size_t count);
};

std::vector<Cast> table;

// A number as words, and words as a number.

template <class Number>
struct Words {
    static constexpr int count = (Number::width + 63) / 64;
    static_assert(count <= 2, "a wider source needs more words per operand");

    static Number load(const uint64_t *words) {
        ap_int_base<64 * count, false> bits = words[count - 1];
        if constexpr (count == 2) {
            bits <<= 64;
            bits |= ap_int_base<64, false>(words[0]);
        }
        Number value;
        value.V = bits.V;
        return value;
    }

    static uint64_t store(const Number &value) { return static_cast<uint64_t>(value.V.to_int64()); }
};

template <>
struct Words<double> {
    static constexpr int count = 1;

    static double load(const uint64_t *words) {
        double value;
        std::memcpy(&value, words, sizeof value);
        return value;
    }

    static uint64_t store(double value) {
        uint64_t word;
        std::memcpy(&word, &value, sizeof word);
        return word;
    }
};

template <class Source, class Target>
void run(const uint64_t *operands, uint64_t *results, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const Target target = Words<Source>::load(operands + i * Words<Source>::count);
        results[i] = Words<Target>::store(target);
    }
}

template <class Source>
void run_to_double(const uint64_t *operands, uint64_t *results, size_t count) {
    for (size_t i = 0; i < count; ++i)
        results[i] = Words<double>::store(Words<Source>::load(operands + i * Words<Source>::count).to_double());
}

// Every rounding x overflow of one target shape. The headers refuse AP_WRAP_SM of an unsigned type.

template <class Source, int W, int I, bool exact, int mode>
void add_mode(const char *source) {
    constexpr ap_q_mode Q = roundings[mode / n_overflows];
    constexpr ap_o_mode O = overflows[mode % n_overflows];
    if constexpr (!exact || Q == AP_TRN || Q == AP_RND_CONV) {
        constexpr int words = Words<Source>::count;
        table.push_back({source, "ap_fixed", W, I, mode, words, run<Source, ap_fixed<W, I, Q, O>>});
        if constexpr (O != AP_WRAP_SM)
            table.push_back({source, "ap_ufixed", W, I, mode, words, run<Source, ap_ufixed<W, I, Q, O>>});
    }
}

template <class Source, int W, int I, bool exact, int... mode>
void add_modes(const char *source, std::integer_sequence<int, mode...>) {
    (add_mode<Source, W, I, exact, mode>(source), ...);
}

template <class Source, int W, int I, bool exact = false>
void add(const char *source) {
    add_modes<Source, W, I, exact>(source, std::make_integer_sequence<int, n_roundings * n_overflows>());
}

template <class Source, class Target>
void add_integer(const char *source, const char *target) {
    table.push_back({source, target, 0, 0, -1, 1, run<Source, Target>});
}

template <class Source>
void add_to_double(const char *source) {
    table.push_back({source, "double", 0, 0, -1, 1, run_to_double<Source>});
}

void fill_table() {
#define FROM_DOUBLE(W, I) add<double, W, I>("double");
#define FROM_FIXED(KIND, W2, I2, W, I) add<KIND<W2, I2>, W, I>(#KIND "<" #W2 "," #I2 ">");
#define FROM_FIXED_EXACT(KIND, W2, I2, W, I) add<KIND<W2, I2>, W, I, true>(#KIND "<" #W2 "," #I2 ">");
#define TO_INTEGER(KIND, W)                               \
    add_integer<double, KIND<W>>("double", #KIND "<" #W ">"); \
    add_integer<ap_fixed<40, 16>, KIND<W>>("ap_fixed<40,16>", #KIND "<" #W ">");
#define TO_DOUBLE(KIND, W2, I2) add_to_double<KIND<W2, I2>>(#KIND "<" #W2 "," #I2 ">");
#include "casts.inc"
}

bool read_words(std::FILE *file, uint64_t *words, size_t count) {
    return std::fread(words, sizeof *words, count, file) == count;
}

int answer(const char *request_path, const char *response_path) {
    std::FILE *request = std::fopen(request_path, "rb");
    std::FILE *response = std::fopen(response_path, "wb");
    if (!request || !response) return 2;
    uint64_t head[2];
    std::vector<uint64_t> operands, results;
    while (read_words(request, head, 2)) {
        if (head[0] >= table.size()) return 3;
        const Cast &cast = table[head[0]];
        operands.resize(head[1] * cast.words);
        results.resize(head[1]);
        if (!read_words(request, operands.data(), operands.size())) return 4;
        cast.run(operands.data(), results.data(), results.size());
        if (std::fwrite(results.data(), sizeof(uint64_t), results.size(), response) != results.size()) return 5;
    }
    std::fclose(request);
    return std::fclose(response) == 0 ? 0 : 5;
}

void print_table() {
    for (const Cast &cast : table) {
        std::printf("%s %s", cast.source, cast.target);
        if (cast.mode >= 0)
            std::printf("<%d,%d,%s,%s>", cast.width, cast.integer, rounding_names[cast.mode / n_overflows],
                        overflow_names[cast.mode % n_overflows]);
        std::printf("\n");
    }
}

}  // namespace

int main(int argc, char **argv) {
    fill_table();
    if (argc == 3) return answer(argv[1], argv[2]);
    print_table();
    return 0;
}
