// The modelled schedule of an HLS design: its processes, each with what it reads and writes in which iteration,
// run cycle by cycle as pipelines between FIFOs of limited depth. Called by hpq_hls/verify/schedule.py.
//
// usage: replay MODEL
//
// MODEL, numbers apart from what is named:
//   channels N, then N times DEPTH BUFFERS      a FIFO of so many beats, or (DEPTH 0) a memory for a frame, so often
//   sources N, then N times CHANNEL BEATS       of a frame, one in each cycle in which there is room
//   sinks N, then N times CHANNEL BEATS         taken as soon as they are there
//   processes N, then N times
//     CHANNELS c... FILLS m... EMPTIES m... RUNS, then as often PIPELINE II STYLE REWIND READS WRITES TIMES
//   run DEPTH STYLE REWIND FRAMES PACE MORE     as often as wanted, MORE: frames that follow; prints a line for each:
//     ends t... fills f... [stuck full|empty PROCESS CHANNEL ...]
// Lists stand behind their length. READS and WRITES are bits in the order of the process's channels. STYLE: 0
// stalling, 1 flushing, 2 free-running, of a run -1 for each pipeline's own. REWIND: 0 the loop begins anew in each
// call, 1 it is rewound, 2 the pipeline is the whole function; of a run 0 or 1 for all loops, or -1.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

enum Style { STP, FLP, FRP, OWN = -1 };
enum Rewind { ANEW, REWOUND, FUNCTION };

const int RESTART = 2;  // cycles between the end of a loop that is not rewound and its next beginning
const int64_t NEVER = INT64_MAX;

struct Channel {
    int64_t depth, buffers;
    int64_t count, pushed, popped, most;  // beats (or frames) at the beginning of the cycle; moves in it
    int64_t flying;                       // beats that have been issued and not yet written

    bool room(int64_t more) const { return count + more < (depth ? depth : buffers); }
    void settle() {
        // What is written while something else is read needs a place of its own: reading frees it a cycle later.
        if (count + pushed > most) most = count + pushed;
        count += pushed - popped;
        pushed = popped = 0;
    }
};

struct Port {
    int channel;
    int64_t beats, frame, beat;
};

struct Run {
    int pipeline, ii, style, rewind;
    uint32_t reads, writes;
    int64_t times;
};

// What is in a stage of a pipeline.
struct Stage {
    bool filled, last;  // whether there is an iteration, and whether it is the last of a call
    uint32_t writes;
};

struct Process {
    std::vector<int> channels, fills, empties;
    std::vector<Run> runs;

    std::vector<Stage> stages;  // a ring: `oldest` leaves next
    std::size_t oldest;
    int flying;
    std::size_t run;
    int64_t left, since;
    bool draining, inside;  // inside: a call has begun
    int restart;

    void reset(int depth) {
        stages.assign(depth - 1, Stage{false, false, 0});
        oldest = 0, flying = 0, run = 0, left = runs[0].times, since = NEVER / 2;
        draining = inside = false, restart = 0;
    }
};

class Machine {
  public:
    bool read(std::istream& in) {
        std::string word;
        std::size_t count;
        if (!(in >> word >> count) || word != "channels") return false;
        channels_.resize(count);
        for (Channel& c : channels_) in >> c.depth >> c.buffers;
        if (!ports(in, "sources", sources_) || !ports(in, "sinks", sinks_)) return false;
        if (!(in >> word >> count) || word != "processes") return false;
        processes_.resize(count);
        for (Process& p : processes_) {
            list(in, p.channels), list(in, p.fills), list(in, p.empties);
            in >> count;
            p.runs.resize(count);
            for (Run& r : p.runs) in >> r.pipeline >> r.ii >> r.style >> r.rewind >> r.reads >> r.writes >> r.times;
        }
        return bool(in);
    }

    void go(int depth, int style, int rewind, int64_t frames, int64_t pace, int64_t more) {
        reset(depth);
        std::vector<int64_t> ends;
        int64_t done = 0;
        for (int64_t now = 0; done < frames; ++now) {
            moved_ = false;
            for (Port& s : sources_) {
                Channel& c = channels_[s.channel];
                if (s.frame < frames + more && s.beat == 0 && now < s.frame * pace) {
                    moved_ = true;
                } else if (s.frame < frames + more && c.room(0)) {
                    move(c.pushed);
                    advance(s);
                }
            }
            for (Process& p : processes_) step(p, depth, style == OWN ? p.runs[0].style : style, rewind);
            for (Port& s : sinks_) {
                Channel& c = channels_[s.channel];
                if (c.count > 0) {
                    move(c.popped);
                    advance(s);
                }
            }
            for (Channel& c : channels_) c.settle();
            int64_t all = frames;
            for (const Port& s : sinks_) all = std::min(all, s.frame);
            for (; done < all; ++done) ends.push_back(now + 1);
            if (!moved_) break;
        }
        print(ends, done == frames);
    }

  private:
    static void list(std::istream& in, std::vector<int>& numbers) {
        std::size_t count = 0;
        in >> count;
        numbers.resize(count);
        for (int& n : numbers) in >> n;
    }

    static bool ports(std::istream& in, const char* name, std::vector<Port>& ports) {
        std::string word;
        std::size_t count = 0;
        if (!(in >> word >> count) || word != name) return false;
        ports.resize(count);
        for (Port& p : ports) in >> p.channel >> p.beats;
        return true;
    }

    static void advance(Port& p) {
        if (++p.beat == p.beats) p.beat = 0, ++p.frame;
    }

    void move(int64_t& moves) {
        ++moves;
        moved_ = true;
    }

    void reset(int depth) {
        for (Channel& c : channels_) c.count = c.pushed = c.popped = c.most = c.flying = 0;
        for (Port& p : sources_) p.frame = p.beat = 0;
        for (Port& p : sinks_) p.frame = p.beat = 0;
        for (Process& p : processes_) p.reset(depth);
    }

    // The first channel among `bits` that cannot be used, or -1.
    int blocked(const Process& p, uint32_t bits, bool writes, int64_t spare) const {
        for (unsigned i = 0; bits >> i; ++i) {
            if (!(bits >> i & 1)) continue;
            const Channel& c = channels_[p.channels[i]];
            if (writes ? !c.room(-spare + (spare ? c.flying : 0)) : c.count == 0) return p.channels[i];
        }
        return -1;
    }

    // A memory between two processes that the next call has to wait for, or -1.
    int waits(const Process& p) const {
        if (p.inside) return -1;
        for (int m : p.empties)
            if (channels_[m].count == 0) return m;
        for (int m : p.fills)
            if (!channels_[m].room(channels_[m].flying)) return m;
        return -1;
    }

    void step(Process& p, int depth, int style, int rewind) {
        const Stage leaving = p.stages[p.oldest];
        if (style != FRP && blocked(p, leaving.writes, true, 0) >= 0) return;
        if (p.restart > 0) {
            --p.restart;
            moved_ = true;
        }
        ++p.since;
        const Run& run = p.runs[p.run];
        const bool due = !p.draining && p.restart == 0 && p.since >= run.ii;
        bool issue = due && waits(p) < 0;
        if (issue && (blocked(p, run.reads, false, 0) >= 0 ||
                      (style == FRP && blocked(p, run.writes, true, depth) >= 0))) {
            issue = false;
            if (style == STP && p.flying > 0) return;  // everything waits
        }
        if (leaving.filled) {
            for (unsigned i = 0; leaving.writes >> i; ++i)
                if (leaving.writes >> i & 1) move(channels_[p.channels[i]].pushed), --channels_[p.channels[i]].flying;
            if (leaving.last) {
                for (int m : p.fills) move(channels_[m].pushed), --channels_[m].flying;
                for (int m : p.empties) move(channels_[m].popped);
            }
            --p.flying;
        }
        if (p.flying > 0 || leaving.filled) moved_ = true;
        Stage entering = {false, false, 0};
        if (issue) {
            if (!p.inside) {
                p.inside = true;
                for (int m : p.fills) ++channels_[m].flying;
            }
            entering = Stage{true, false, run.writes};
            for (unsigned i = 0; run.reads >> i; ++i)
                if (run.reads >> i & 1) move(channels_[p.channels[i]].popped);
            for (unsigned i = 0; run.writes >> i; ++i)
                if (run.writes >> i & 1) ++channels_[p.channels[i]].flying;
            ++p.flying;
            p.since = 0;
            moved_ = true;
            if (--p.left == 0) next(p, entering, rewind);
        }
        p.stages[p.oldest] = entering;
        p.oldest = p.oldest + 1 == p.stages.size() ? 0 : p.oldest + 1;
        if (p.draining && p.flying == 0) {
            p.draining = false;
            p.restart = RESTART;
            moved_ = true;
        }
    }

    // After the last of equal iterations.
    static void next(Process& p, Stage& entering, int rewind) {
        const int pipeline = p.runs[p.run].pipeline, own = p.runs[p.run].rewind;
        const bool one = p.runs.front().pipeline == p.runs.back().pipeline;  // loop, which can then be rewound
        const bool continues = own == FUNCTION || (one && (rewind < 0 ? own : rewind) == REWOUND);
        if (++p.run == p.runs.size()) {
            p.run = 0;
            entering.last = true;
            p.inside = false;
            // A memory is handed over at the end of a call, so that such a process begins anew.
            p.draining = !continues || !p.fills.empty() || !p.empties.empty();
        } else {
            p.draining = p.runs[p.run].pipeline != pipeline;
        }
        p.left = p.runs[p.run].times;
    }

    void print(const std::vector<int64_t>& ends, bool complete) {
        std::printf("ends %lu", (unsigned long)ends.size());
        for (int64_t end : ends) std::printf(" %lld", (long long)end);
        std::printf(" fills %lu", (unsigned long)channels_.size());
        for (const Channel& c : channels_) std::printf(" %lld", (long long)c.most);
        if (!complete) {
            std::printf(" stuck");
            for (unsigned i = 0; i < processes_.size(); ++i) {
                const Process& p = processes_[i];
                const int full = blocked(p, p.stages[p.oldest].writes, true, 0);
                const int empty = blocked(p, p.runs[p.run].reads, false, 0);
                if (full >= 0) std::printf(" full %u %d", i, full);
                if (full < 0 && empty >= 0) std::printf(" empty %u %d", i, empty);
            }
        }
        std::printf("\n");
    }

    std::vector<Channel> channels_;
    std::vector<Port> sources_, sinks_;
    std::vector<Process> processes_;
    bool moved_ = false;
};

}  // namespace

int main(int count, char** arguments) {
    std::ifstream in(count > 1 ? arguments[1] : "");
    Machine machine;
    if (!machine.read(in)) return 4;
    std::string word;
    int depth, style, rewind;
    int64_t frames, pace, more;
    while (in >> word >> depth >> style >> rewind >> frames >> pace >> more) {
        machine.go(depth, style, rewind, frames, pace, more);
        std::fflush(stdout);
    }
    return 0;
}
