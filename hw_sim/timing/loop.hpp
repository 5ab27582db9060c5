// A loop of C++ as a timed actor, as those of actors.hpp; the same as hpq_hls/cost/loop_actor.py.
#pragma once

#include <deque>

#include "actors.hpp"

namespace hpq {

constexpr std::int64_t RESTART = 2;            // cycles from the end of a loop that runs empty to its next beginning
constexpr std::int64_t EVERY = -2, NONE = -1;  // an iteration that reads a beat of each stream, or nothing

// A loop of C++ as a tool pipelines it, one iteration per cycle at most: it reads when it begins, and writes, to
// every output, in its last stage; the pipeline goes on without input, and stands still as a whole while the oldest
// iteration finds no room. One that hands over a memory runs empty at the end of a frame, and begins anew RESTART
// cycles later. parameters: see hpq_hls/kernels/contract.py.
inline Actor loop(Sleeper& self, Channels inputs, Channels outs, std::vector<std::int64_t> parameters) {
  // Time inside the pipeline is counted in cycles in which it moves.
  struct Wait {
    Cycle moment, until, length;
  };
  const std::int64_t stages = parameters[0] - 1;
  Channel* const empties = parameters[1] ? inputs.back() : nullptr;
  Channel* const fills = parameters[2] ? outs.front() : nullptr;
  const Channels given(inputs.begin(), inputs.end() - (empties ? 1 : 0));
  const Channels made = fills ? Channels() : outs;
  Ring results;
  std::deque<Wait> waits;
  std::int64_t due = 0, left = 0;  // results that have been begun, and that have left
  Cycle stall = 0, behind = 0, moment = 0;

  const auto can_leave = [&] {
    return left < due && std::all_of(made.begin(), made.end(), [](Channel* out) { return out->knows_space(); });
  };
  // The oldest result gets away.
  const auto leave = [&] {
    const Cycle own = results[left++], reached = own + stall;
    Cycle gone = reached;
    for (Channel* out : made) gone = std::max(gone, out->space());
    for (Channel* out : made) out->push(gone);
    if (gone > reached) waits.push_back({own, gone, gone - reached});
    stall += gone - reached;
  };
  const auto missing = [](const Channels& read) {
    return std::any_of(read.begin(), read.end(), [](Channel* channel) { return !channel->has(channel->popped); });
  };

  while (true) {
    if (empties) {
      while (!empties->has(empties->popped)) co_await Sleep{self, INPUT};
      moment = std::max(moment, empties->came(empties->popped) + 1);
    }
    if (fills) {
      while (!fills->knows_space()) co_await Sleep{self, SPACE};
      moment = std::max(moment, fills->space());
    }
    for (std::size_t run = 3; run < parameters.size(); run += 3) {
      const std::int64_t source = parameters[run];
      const bool writes = parameters[run + 1] != 0;
      const Channels read = source == EVERY ? given : source == NONE ? Channels() : Channels{given[source]};
      for (std::int64_t iteration = 0; iteration < parameters[run + 2]; ++iteration) {
        if (source != NONE) {
          while (missing(read)) {
            if (can_leave()) {
              leave();
            } else {
              co_await Sleep{self, left < due ? EITHER : INPUT};
            }
          }
          Cycle cycle = moment + behind;
          for (Channel* channel : read) cycle = std::max(cycle, channel->came(channel->popped) + 1);
          while (true) {
            if (!waits.empty()) {
              const Wait wait = waits.front();
              if (wait.moment + behind > cycle) break;
              waits.pop_front();
              behind += wait.length;
              cycle = std::max({cycle, wait.until, moment + behind});
            } else {
              if (left == due || results[left] + stall > cycle) break;
              while (!can_leave()) co_await Sleep{self, SPACE};
              leave();
            }
          }
          for (Channel* channel : read) channel->pop(cycle);
          moment = cycle - behind;
        }
        if (writes) {
          results.reserve(left, due);
          results[due++] = moment + stages;
        }
        ++moment;
      }
    }
    if (empties || fills) {
      while (left < due) {
        while (!can_leave()) co_await Sleep{self, SPACE};
        leave();
      }
      const Cycle over = moment - 1 + stages + stall;
      if (empties) empties->pop(over);
      if (fills) fills->push(over);
      moment = over + RESTART;
      stall = behind = 0;
      waits.clear();
    }
  }
}

}  // namespace hpq
