// For the certificate: runs one kernel of a design on frames from files. Numbers are 64-bit integers.
#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace examined {

typedef std::vector<int64_t> numbers;

// A kernel that never ends, or never stops to write, is ended: seconds of processor time, and bytes.
inline void limit(unsigned long seconds) {
    const rlimit time = {seconds, seconds}, memory = {1ul << 33, 1ul << 33};
    setrlimit(RLIMIT_CPU, &time);
    setrlimit(RLIMIT_AS, &memory);
}

inline numbers read(const char* name) {
    std::FILE* file = std::fopen(name, "rb");
    numbers values;
    if (file == 0 || std::fseek(file, 0, SEEK_END) != 0) std::exit(4);
    values.resize(std::ftell(file) / sizeof(int64_t));
    std::rewind(file);
    if (std::fread(values.data(), sizeof(int64_t), values.size(), file) != values.size()) std::exit(4);
    std::fclose(file);
    return values;
}

inline void write(const char* name, const numbers& values) {
    std::FILE* file = std::fopen(name, "wb");
    if (file == 0 || std::fwrite(values.data(), sizeof(int64_t), values.size(), file) != values.size() ||
        std::fclose(file) != 0)
        std::exit(4);
}

// The next beats of a frame into a stream, as raw integers.
template <class T, unsigned N>
void put(const numbers& values, std::size_t& at, std::size_t beats, hls::stream<hpq::beat<T, N> >& stream) {
    for (std::size_t b = 0; b < beats; ++b) {
        hpq::beat<T, N> beat;
        for (unsigned l = 0; l < N; ++l) beat.data[l] = hpq::from_raw<T>(ap_int<64>(values[at++]));
        stream.write(beat);
    }
}

// All beats of a stream as the bits of their elements; whether there were as many as there should be.
template <class T, unsigned N>
bool take(hls::stream<hpq::beat<T, N> >& stream, std::size_t beats, numbers& values) {
    std::size_t count = 0;
    for (; !stream.empty(); ++count) {
        const hpq::beat<T, N> beat = stream.read();
        for (unsigned l = 0; l < N; ++l) values.push_back(hpq::to_bits(beat.data[l]).to_uint64());
    }
    if (count == beats) return true;
    std::printf("a frame has %lu beats instead of %lu\n", (unsigned long)count, (unsigned long)beats);
    return false;
}

// Whether a frame was read as a whole.
template <class T>
bool read_all(hls::stream<T>& stream) {
    if (stream.empty()) return true;
    std::printf("it does not read all beats of a frame\n");
    return false;
}

template <class T, unsigned N>
void tell(const char* name, const hpq::beat<T, N>*) {
    std::printf("%s %u %d %d %d\n", name, N, hpq::number<T>::width, hpq::number<T>::fraction,
                int(hpq::number<T>::is_signed));
}

}  // namespace examined
