// Streams that remember who used them when: for the modelled schedule of a design (hpq_hls/verify/schedule.py).
//
// The design's sources are compiled with this file in the place of the vendor's. In a copy of them each
// `#pragma HLS pipeline` has become `hpq_schedule::step(number, function)`, and each process of a dataflow region stands in
// an `hpq_schedule::process`. Values and order are as always; at the end what each process did in each of its
// iterations is written to the file that HPQ_COURSE names.
#ifndef HPQ_SCHEDULE_HLS_STREAM_H
#define HPQ_SCHEDULE_HLS_STREAM_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace hpq_schedule {

// One iteration of a pipeline: its pragma, and the streams read and written, a bit each.
struct iteration {
    int pipeline;
    uint32_t reads, writes;
    bool operator==(const iteration& other) const {
        return pipeline == other.pipeline && reads == other.reads && writes == other.writes;
    }
};

// What a process did in one call. All calls have to be the same, or its course depends on data.
struct course {
    std::vector<std::string> streams;  // by bit
    std::vector<iteration> first, now;
    unsigned calls = 0;
    bool whole = false;  // the pipeline is the function: its loops are unrolled
};

[[noreturn]] inline void refuse(const std::string& what) {
    std::fflush(stdout);
    std::fprintf(stderr, "SCHEDULE: %s\n", what.c_str());
    std::_Exit(5);
}

class recorder {
  public:
    static recorder& the() {
        static recorder only;
        return only;
    }

    void enter(int number) { running_.push_back(number); }

    void leave() {
        course& one = courses_[running_.back()];
        running_.pop_back();
        if (one.calls++ == 0) {
            one.first.swap(one.now);
        } else if (!(one.first == one.now)) {
            refuse("what process " + std::to_string(number_of(one)) + " reads and writes depends on data");
        }
        one.now.clear();
        one.whole = false;
    }

    void step(int pipeline, bool function) {
        if (running_.empty()) return;
        course& one = courses_[running_.back()];
        if (!one.whole) one.now.push_back(iteration{pipeline, 0, 0});
        if (function) one.whole = true;
    }

    void use(const std::string& stream, bool writes) {
        if (running_.empty()) return;  // the testbench
        course& one = courses_[running_.back()];
        if (one.now.empty()) refuse("stream " + stream + " is used outside of a pipeline");
        uint32_t& seen = writes ? one.now.back().writes : one.now.back().reads;
        const uint32_t bit = 1u << place(one, stream);
        if (seen & bit) refuse("stream " + stream + " is used twice in one iteration");
        seen |= bit;
    }

    ~recorder() {
        const char* name = std::getenv("HPQ_COURSE");
        std::FILE* file = name == 0 ? 0 : std::fopen(name, "w");
        if (file == 0) return;
        for (const auto& item : courses_) {
            const course& one = item.second;
            std::fprintf(file, "process %d %lu", item.first, (unsigned long)one.streams.size());
            for (const std::string& stream : one.streams) std::fprintf(file, " %s", stream.c_str());
            std::fprintf(file, "\n");
            for (std::size_t at = 0; at < one.first.size();) {  // runs of equal iterations
                std::size_t end = at;
                while (end < one.first.size() && one.first[end] == one.first[at]) ++end;
                std::fprintf(file, "%d %x %x %lu\n", one.first[at].pipeline, unsigned(one.first[at].reads),
                             unsigned(one.first[at].writes), (unsigned long)(end - at));
                at = end;
            }
        }
        std::fprintf(file, "end\n");
        std::fclose(file);
    }

  private:
    int number_of(const course& wanted) const {
        for (const auto& item : courses_)
            if (&item.second == &wanted) return item.first;
        return -1;
    }

    static unsigned place(course& one, const std::string& stream) {
        for (unsigned i = 0; i < one.streams.size(); ++i)
            if (one.streams[i] == stream) return i;
        if (one.streams.size() == 32) refuse("a process has more than 32 streams");
        one.streams.push_back(stream);
        return one.streams.size() - 1;
    }

    std::map<int, course> courses_;
    std::vector<int> running_;
};

// An iteration of a pipelined loop begins, or a call of a pipelined function.
inline void step(int pipeline, bool function) { recorder::the().step(pipeline, function); }

// A process of a dataflow region, while it is called.
struct process {
    explicit process(int number) { recorder::the().enter(number); }
    ~process() { recorder::the().leave(); }
};

}  // namespace hpq_schedule

namespace hls {

template <typename T, int DEPTH = 0>
class stream {
  public:
    stream() : name_("(unnamed)") {}
    explicit stream(const char* name) : name_(name) {}

    T read() {
        hpq_schedule::recorder::the().use(name_, false);
        if (fifo_.empty()) hpq_schedule::refuse("stream " + name_ + " is read while it is empty");
        const T value = fifo_.front();
        fifo_.pop_front();
        return value;
    }
    void read(T& value) { value = read(); }
    void write(const T& value) {
        hpq_schedule::recorder::the().use(name_, true);
        fifo_.push_back(value);
    }
    stream& operator>>(T& value) {
        value = read();
        return *this;
    }
    stream& operator<<(const T& value) {
        write(value);
        return *this;
    }
    // For testbenches; what a process does must not depend on them.
    bool empty() const { return fifo_.empty(); }
    std::size_t size() const { return fifo_.size(); }

  private:
    stream(const stream&);
    stream& operator=(const stream&);

    std::string name_;
    std::deque<T> fifo_;
};

}  // namespace hls

#endif
