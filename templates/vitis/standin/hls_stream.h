// SPDX-License-Identifier: Apache-2.0
// A stand-in for the vendor's hls_stream.h, for C simulation with a header set that lacks it. Reading an
// empty stream and leaving data behind are errors of the design, so both end the program.
#ifndef HPQ_STANDIN_HLS_STREAM_H
#define HPQ_STANDIN_HLS_STREAM_H

#ifdef __SYNTHESIS__
#error "this hls_stream.h is for C simulation only; synthesis needs the one of the HLS tool"
#endif

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

namespace hls {

template <typename T, int DEPTH = 0>
class stream {
  public:
    stream() : name_("(unnamed)") {}
    explicit stream(const char* name) : name_(name) {}

    ~stream() {
        if (!fifo_.empty()) {
            fail("still holds data at the end");
        }
    }

    T read() {
        if (fifo_.empty()) {
            fail("is read while it is empty");
        }
        const T value = fifo_.front();
        fifo_.pop_front();
        return value;
    }
    void read(T& value) { value = read(); }
    bool read_nb(T& value) {
        if (fifo_.empty()) {
            return false;
        }
        value = read();
        return true;
    }

    void write(const T& value) { fifo_.push_back(value); }
    bool write_nb(const T& value) {
        write(value);
        return true;
    }

    stream& operator>>(T& value) {
        value = read();
        return *this;
    }
    stream& operator<<(const T& value) {
        write(value);
        return *this;
    }

    bool empty() const { return fifo_.empty(); }
    bool full() const { return false; }
    std::size_t size() const { return fifo_.size(); }

  private:
    stream(const stream&);
    stream& operator=(const stream&);

    void fail(const char* what) const {
        std::fflush(stdout);
        std::fprintf(stderr, "ERROR: stream %s %s (%lu beats)\n", name_.c_str(), what,
                     static_cast<unsigned long>(fifo_.size()));
        std::_Exit(3);
    }

    std::string name_;
    std::deque<T> fifo_;
};

}  // namespace hls

#endif
