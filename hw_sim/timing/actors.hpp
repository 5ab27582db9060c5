// The kernels as timed actors: at which clock cycle each beat moves from FIFO to FIFO.
//
// The same actors as hpq_hls/cost/actors.py, function for function; tests hold the two equal. Data plays no
// part; a beat is its number. Every actor is a coroutine that goes on as far as the times known so far allow,
// and sleeps when it needs one that another actor has not determined yet. What each does is the handshake of
// the RTL module of the same name, cycle by cycle.
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

namespace hpq {

using Cycle = std::int64_t;

constexpr Cycle BEFORE = -(Cycle(1) << 40);  // a cycle before everything
constexpr std::int64_t UNBOUNDED = std::int64_t(1) << 40;  // depth of a FIFO that is never full
constexpr Cycle RESET = -2;                  // the last cycle of reset; only a window has something to do then

// Numbers by index, of which only the newest are kept.
class Ring {
 public:
  Cycle& operator[](std::int64_t index) { return values_[index & mask_]; }

  // Room for the indices `oldest` .. `newest`.
  void reserve(std::int64_t oldest, std::int64_t newest) {
    if (newest - oldest <= mask_) return;
    std::vector<Cycle> wider(2 * values_.size());
    const std::int64_t mask = std::int64_t(wider.size()) - 1;
    for (std::int64_t index = oldest; index < newest; ++index) wider[index & mask] = values_[index & mask_];
    values_.swap(wider);
    mask_ = mask;
  }

 private:
  std::vector<Cycle> values_ = std::vector<Cycle>(8);
  std::int64_t mask_ = 7;
};

// What an actor sleeps for: INPUT, a beat in one of the FIFOs that it reads; SPACE, a place in one that it fills.
enum Need : int { NOTHING = 0, INPUT = 1, SPACE = 2, EITHER = 3 };

struct Sleeper {
  Need need = NOTHING;
  std::vector<int>* queue = nullptr;
  int number = 0;

  void tell(Need news) {
    if (need & news) {
      need = NOTHING;
      queue->push_back(number);
    }
  }
};

struct Actor {
  struct promise_type {
    Actor get_return_object() { return Actor{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit Actor(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Actor(Actor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Actor() {
    if (handle_) handle_.destroy();
  }
  void resume() { handle_.resume(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

struct Sleep {
  Sleeper& self;
  Need need;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept { self.need = need; }
  void await_resume() const noexcept {}
};

// A FIFO of `depth` beats. A beat can leave in the cycle after it was written; its place is free in the cycle after
// it left, and is taken as soon as it is on its way.
class Channel {
 public:
  std::int64_t depth = 2, pushed = 0, popped = 0;
  std::int64_t fill = 0;   // the smallest depth that would have made no difference so far,
  bool measured = false;  // where that is wanted
  Sleeper *reader = nullptr, *writer = nullptr;

  bool has(std::int64_t beat) const { return beat < pushed; }
  Cycle came(std::int64_t beat) { return pushes_[beat]; }

  // Whether it is known when the next beat finds room; that is then the result of `space`.
  bool knows_space() const { return pushed - depth < popped; }
  Cycle space() { return pushed < depth ? BEFORE : pops_[pushed - depth] + 1; }

  // Whether it is known when the place `ahead` of the next free one is free; that is then the result of `freed`.
  bool knows_freed(std::int64_t ahead) const { return pushed + ahead - depth < popped; }
  Cycle freed(std::int64_t ahead) { return pushed + ahead < depth ? BEFORE : pops_[pushed + ahead - depth]; }

  void push(Cycle cycle) {
    pushes_.reserve(popped, pushed);
    pushes_[pushed++] = cycle;
    if (measured) track();
    reader->tell(INPUT);
  }

  void pop(Cycle cycle) {
    const std::int64_t needed = depth == UNBOUNDED ? popped : std::max(pushed - depth, std::int64_t(0));
    pops_.reserve(measured ? std::min(left_, needed) : needed, popped);
    pops_[popped++] = cycle;
    if (measured) track();
    writer->tell(SPACE);
  }

 private:
  Ring pushes_, pops_;
  std::int64_t counted_ = 0, left_ = 0;  // pushes whose fill is known; beats that had left by then

  void track() {
    while (counted_ < pushed) {
      const Cycle cycle = pushes_[counted_];
      while (left_ < popped && pops_[left_] < cycle) ++left_;
      if (left_ == popped) return;
      fill = std::max(fill, ++counted_ - left_);
    }
  }
};

using Channels = std::vector<Channel*>;

// Offers a frame of `beats` whenever `frames` allows one; the first beats of two frames are at least `pace`
// cycles apart, and so, in proportion, are all beats. `starts` gets the cycle of each frame's first one.
inline Actor source(Sleeper& self, Channel& out, std::int64_t beats, const std::int64_t& frames, Cycle pace,
                    std::vector<Cycle>& starts) {
  Cycle cycle = 0;
  while (true) {
    while (out.pushed == frames * beats || !out.knows_space()) co_await Sleep{self, SPACE};
    const Cycle due = out.pushed / beats * pace + out.pushed % beats * pace / beats;
    cycle = std::max({cycle, out.space(), due});
    if (out.pushed % beats == 0) starts.push_back(cycle);
    out.push(cycle++);
  }
}

// Takes every beat at once; `ends` gets the cycle of each frame's last one.
inline Actor sink(Sleeper& self, Channel& given, std::int64_t beats, std::vector<Cycle>& ends) {
  while (true) {
    while (!given.has(given.popped)) co_await Sleep{self, INPUT};
    const Cycle cycle = given.came(given.popped) + 1;
    given.pop(cycle);
    if (given.popped % beats == 0) ends.push_back(cycle);
  }
}

// `stages` registers that never stand still: what makes a result is taken where there is a place for that. With the
// last of every `group` beats taken the first of `folds` results is under way; the others follow at a distance of
// `group` cycles, and meanwhile nothing is taken. Of a `period` of beats the first `quiet` have no result.
inline Actor pipeline(Sleeper& self, Channels inputs, Channel& out, std::int64_t stages, std::int64_t group,
                      std::int64_t folds, std::int64_t period = 1, std::int64_t quiet = 0) {
  const bool alone = inputs.size() == 1;
  Channel& only = *inputs[0];
  std::int64_t taken = 0, in_group = 0, in_period = 0;
  Cycle cycle = -1;
  const auto missing = [&] {
    return alone ? !only.has(taken) : std::any_of(inputs.begin(), inputs.end(), [&](Channel* channel) { return !channel->has(taken); });
  };
  while (true) {
    while (missing()) co_await Sleep{self, INPUT};
    ++cycle;
    for (Channel* channel : inputs) cycle = std::max(cycle, channel->came(taken) + 1);
    const bool silent = in_period < quiet;
    if (++in_period == period) in_period = 0;
    if (++in_group == group) in_group = 0;
    const std::int64_t results = in_group > 0 || silent ? 0 : folds;
    for (std::int64_t fold = 0; fold < results; ++fold) {
      while (!out.knows_space()) co_await Sleep{self, SPACE};
      cycle = std::max(fold > 0 ? cycle + group : cycle, out.space());
      out.push(cycle + stages);
      if (fold == 0) {
        for (Channel* channel : inputs) channel->pop(cycle);
      }
    }
    if (results == 0) {
      for (Channel* channel : inputs) channel->pop(cycle);
    }
    ++taken;
  }
}

// No register: every output takes the beat when it can, the input is free when all have it.
inline Actor wiring(Sleeper& self, Channel& given, Channels outs) {
  Cycle cycle = BEFORE;
  while (true) {
    const std::int64_t beat = given.popped;
    while (!given.has(beat)) co_await Sleep{self, INPUT};
    cycle = std::max(cycle, given.came(beat)) + 1;
    Cycle done = cycle;
    Channels waiting = outs;
    while (true) {
      std::erase_if(waiting, [&](Channel* out) {
        if (!out->knows_space()) return false;
        const Cycle space = out->space();
        out->push(std::max(cycle, space));
        done = std::max(done, space);
        return true;
      });
      if (waiting.empty()) break;
      co_await Sleep{self, SPACE};
    }
    given.pop(done);
    cycle = done;
  }
}

// Hands out one wide beat as `ratio` narrow ones; takes the next while the last of them leaves.
inline Actor narrow(Sleeper& self, Channel& given, Channel& out, std::int64_t ratio) {
  Cycle free = 0;
  while (true) {
    while (!given.has(given.popped)) co_await Sleep{self, INPUT};
    free = std::max(free, given.came(given.popped) + 1);
    given.pop(free);
    for (std::int64_t part = 0; part < ratio; ++part) {
      while (!out.knows_space()) co_await Sleep{self, SPACE};
      free = std::max(free + 1, out.space());
      out.push(free);
    }
  }
}

// Collects `ratio` narrow beats into a wide one; takes the next while that leaves.
inline Actor widen(Sleeper& self, Channel& given, Channel& out, std::int64_t ratio) {
  Cycle cycle = -1, gone = BEFORE;
  while (true) {
    for (std::int64_t part = 0; part < ratio; ++part) {
      while (!given.has(given.popped)) co_await Sleep{self, INPUT};
      cycle = std::max(cycle, given.came(given.popped)) + 1;
      if (part == 0) cycle = std::max(cycle, gone);
      given.pop(cycle);
    }
    while (!out.knows_space()) co_await Sleep{self, SPACE};
    gone = std::max(cycle + 1, out.space());
    out.push(gone);
  }
}

// Columns are beats wide, but for first_column and advance, which are in pixels.
struct Geometry {
  std::int64_t height, width, first_row, first_column, stride_h, advance, pad_top, pad_left, out_height, out_width;
  std::int64_t rows, columns, chunks, pixels;  // scanned rows and columns

  // With which scanned column a beat of windows leaves; from `columns` on, one of the next row.
  std::int64_t leaves(std::int64_t beat) const {
    const bool crowded = advance < pixels && out_width > 1;
    return crowded ? first_column / pixels + beat : (first_column + beat * advance) / pixels;
  }
};

// Scans the padded area, a beat per cycle, and stands still where windows find no place. Late windows wait for no
// beat of the row that is scanned.
inline Actor window(Sleeper& self, Channel& given, Channel& out, Geometry g) {
  std::vector<char> rows_end(g.rows), columns_end(2 * g.columns);  // where windows leave
  for (std::int64_t y = 0; y < g.out_height; ++y) rows_end[g.first_row + y * g.stride_h] = true;
  for (std::int64_t x = 0; x < g.out_width; ++x) columns_end[g.leaves(x)] = true;
  Cycle cycle = RESET;
  bool row_before = false;
  const auto leave = [&] {  // once it is known when there is a place
    cycle = std::max(cycle, out.space());
    out.push(cycle);
  };
  while (true) {
    bool started = false;
    for (std::int64_t row = 0; row < g.rows; ++row) {
      const bool row_inside = row >= g.pad_top && row < g.pad_top + g.height;
      for (std::int64_t column = 0; column < g.columns; ++column) {
        const bool inside = row_inside && column >= g.pad_left && column < g.pad_left + g.width;
        const bool emit = rows_end[row] && columns_end[column];
        const bool late = row_before && columns_end[g.columns + column];
        for (std::int64_t chunk = 0; chunk < g.chunks; ++chunk) {
          ++cycle;
          if (late) {
            while (!out.knows_space()) co_await Sleep{self, SPACE};
            leave();
          }
          if (inside || (emit && !started)) {
            while (!given.has(given.popped)) co_await Sleep{self, INPUT};
            cycle = std::max(cycle, given.came(given.popped) + 1);
          }
          if (emit) {
            while (!out.knows_space()) co_await Sleep{self, SPACE};
            leave();
          }
          if (inside) {
            given.pop(cycle);
            started = true;
          }
        }
      }
      row_before = rows_end[row];
    }
  }
}

constexpr std::int64_t REORDER_STAGES = 2;  // registers behind the memory of a reordering

// Writes frames of `words` beats to two memories; each is free when `reads` beats were read from it. `frames`:
// what is there to be read, `reads` beats of each frame once it is written; two frames deep.
inline Actor fill(Sleeper& self, Channel& given, Channel& frames, std::int64_t words, std::int64_t reads) {
  Cycle cycle = -1;
  while (true) {
    while (!frames.knows_freed(reads - 1)) co_await Sleep{self, SPACE};
    cycle = std::max(cycle, frames.freed(reads - 1));
    for (std::int64_t word = 0; word < words; ++word) {
      while (!given.has(given.popped)) co_await Sleep{self, INPUT};
      cycle = std::max(cycle, given.came(given.popped)) + 1;
      given.pop(cycle);
    }
    for (std::int64_t read = 0; read < reads; ++read) frames.push(cycle);
  }
}

// Takes beats as `runs` say (input or -1, whether they leave, how many), one per cycle. What is put in front of the
// first beat that is taken waits for it.
inline Actor splice(Sleeper& self, Channels inputs, Channel& out, std::vector<std::int64_t> runs) {
  Cycle cycle = -1;
  while (true) {
    bool started = false;
    for (std::size_t run = 0; run < runs.size(); run += 3) {
      const bool takes = runs[run] >= 0, leaves = runs[run + 1] != 0;
      Channel& given = *inputs[takes ? runs[run] : 0];
      for (std::int64_t beat = 0; beat < runs[run + 2]; ++beat) {
        ++cycle;
        if (takes || !started) {
          while (!given.has(given.popped)) co_await Sleep{self, INPUT};
          cycle = std::max(cycle, given.came(given.popped) + 1);
        }
        if (leaves) {
          while (!out.knows_space()) co_await Sleep{self, SPACE};
          cycle = std::max(cycle, out.space());
          out.push(cycle);
        }
        if (takes) {
          given.pop(cycle);
          started = true;
        }
      }
    }
  }
}

}  // namespace hpq
