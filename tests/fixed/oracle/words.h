// Numbers of the Xilinx headers as 64-bit words, low word first, and back.

#pragma once

#include <ap_fixed.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

template <class Number>
struct Words {
    static constexpr int count = (Number::width + 63) / 64;
    static_assert(count <= 2, "a wider number needs more words");
    using Bits = ap_int_base<64 * count, false>;

    static Number load(const uint64_t *words) {
        Bits bits(words[count - 1]);
        if constexpr (count == 2) {
            bits <<= 64;
            bits |= Bits(words[0]);
        }
        Number value;
        value.V = bits.V;
        return value;
    }

    // Sign-extended where the number is signed.
    static void store(const Number &value, uint64_t *words) {
        words[0] = static_cast<uint64_t>(value.V.to_int64());
        if constexpr (count == 2) {
            Number rest = value;
            rest.V = rest.V >> 64;
            words[1] = static_cast<uint64_t>(rest.V.to_int64());
        }
    }
};

template <>
struct Words<double> {
    static constexpr int count = 1;

    static double load(const uint64_t *words) {
        double value;
        std::memcpy(&value, words, sizeof value);
        return value;
    }

    static void store(double value, uint64_t *words) { std::memcpy(words, &value, sizeof value); }
};

inline std::string type_name(bool is_signed, int width, int integer) {
    return std::string(is_signed ? "ap_fixed<" : "ap_ufixed<") + std::to_string(width) + "," +
           std::to_string(integer) + ">";
}

// One line of an oracle's table.
struct Entry {
    std::string text;
    int words_in, words_out;  // per operand, per result
    void (*run)(const uint64_t *operands, uint64_t *results, size_t count);
};

// The main program of an oracle:
//
//   oracle                     prints the texts of the table, one a line
//   oracle REQUEST RESPONSE    answers what the file REQUEST asks for
//
// REQUEST is a sequence of blocks of 64-bit words: the line number of an entry, a count, then as many operands. RESPONSE
// gets the results, one block after the other.
inline int serve(const std::vector<Entry> &table, int argc, char **argv) {
    if (argc != 3) {
        for (const Entry &entry : table) std::printf("%s\n", entry.text.c_str());
        return 0;
    }
    std::FILE *request = std::fopen(argv[1], "rb");
    std::FILE *response = std::fopen(argv[2], "wb");
    if (!request || !response) return 2;
    uint64_t head[2];
    std::vector<uint64_t> operands, results;
    while (std::fread(head, sizeof *head, 2, request) == 2) {
        if (head[0] >= table.size()) return 3;
        const Entry &entry = table[head[0]];
        operands.resize(head[1] * entry.words_in);
        results.resize(head[1] * entry.words_out);
        if (std::fread(operands.data(), sizeof(uint64_t), operands.size(), request) != operands.size()) return 4;
        entry.run(operands.data(), results.data(), head[1]);
        if (std::fwrite(results.data(), sizeof(uint64_t), results.size(), response) != results.size()) return 5;
    }
    std::fclose(request);
    return std::fclose(response) == 0 ? 0 : 5;
}
