// For the probe, behind the design: a line for each beat, the stream's name and the raw integers of its elements.
#include <cstdio>
#include <string>

namespace hpq {

template <class T, unsigned N>
void note(const std::string& name, const beat<T, N>& value) {
    std::FILE* const file = hpq_probe::now().file;
    std::fputs(name.c_str(), file);
    for (unsigned i = 0; i < N; ++i) {
        const ap_uint<number<T>::width> bits = to_bits(value.data[i]);
        const ap_int<number<T>::width> as_signed = bits;
        std::fprintf(file, " %lld", number<T>::is_signed ? static_cast<long long>(as_signed.to_int64())
                                                         : static_cast<long long>(bits.to_int64()));
    }
    std::fputc('\n', file);
}

}  // namespace hpq
