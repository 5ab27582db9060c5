// Streams without a body, for C++ that becomes clocked hardware (hpq_hls/verify/clocked): reading and writing are
// calls of nobody's functions, which a state machine does instead.
#ifndef HPQ_CLOCKED_HLS_STREAM_H
#define HPQ_CLOCKED_HLS_STREAM_H

extern "C" void hpq_read(void* stream, void* beat, unsigned long bytes);
extern "C" void hpq_write(void* stream, const void* beat, unsigned long bytes);

namespace hls {

template <typename T, int DEPTH = 0>
class stream {
  public:
    stream();
    T read() {
        T value;
        hpq_read(this, &value, sizeof(T));
        return value;
    }
    void read(T& value) { value = read(); }
    void write(const T& value) { hpq_write(this, &value, sizeof(T)); }
    stream& operator>>(T& value) {
        value = read();
        return *this;
    }
    stream& operator<<(const T& value) {
        write(value);
        return *this;
    }

  private:
    stream(const stream&);
    stream& operator=(const stream&);
};

}  // namespace hls

// A transfer of an AXI4-Stream port as its signals.
template <unsigned BYTES>
struct hpq_transfer {
    unsigned char data[BYTES], keep[(BYTES + 7) / 8], strb[(BYTES + 7) / 8], last;
};

template <unsigned BYTES, class Word>
void hpq_from_port(hls::stream<hpq_transfer<BYTES> >& port, hls::stream<Word>& out) {
    const hpq_transfer<BYTES> given = port.read();
    Word word;
    word.data = 0;
    word.keep = 0;
    word.strb = 0;
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < BYTES; ++i) {
        word.data.range(8 * i + 7, 8 * i) = given.data[i];
        word.keep.range(i, i) = given.keep[i / 8] >> (i % 8) & 1;
        word.strb.range(i, i) = given.strb[i / 8] >> (i % 8) & 1;
    }
    word.last = given.last;
    out.write(word);
}

template <unsigned BYTES, class Word>
void hpq_to_port(hls::stream<Word>& in, hls::stream<hpq_transfer<BYTES> >& port) {
    const Word word = in.read();
    hpq_transfer<BYTES> made = {};
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < BYTES; ++i) {
        made.data[i] = word.data.range(8 * i + 7, 8 * i).to_uint();
        made.keep[i / 8] |= word.keep.range(i, i).to_uint() << (i % 8);
        made.strb[i / 8] |= word.strb.range(i, i).to_uint() << (i % 8);
    }
    made.last = word.last.to_uint();
    port.write(made);
}

#endif
