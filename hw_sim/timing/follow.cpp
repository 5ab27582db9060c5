// Latency and interval of a network of kernels, and how full its FIFOs get: called from hpq_hls/cost/engine.py.
#include <memory>

#include "loop.hpp"

namespace {

using namespace hpq;

// The numbers of hpq_hls/cost/stages.py. A stage is kind, FIFOs in, FIFOs out, parameters, each list with its
// length first.
enum Kind : std::int64_t { PIPELINE, WIRING, NARROW, WIDEN, WINDOW, REORDER, SPLICE, LOOP, REDUCE };

class Reader {
 public:
  explicit Reader(const std::int64_t* at) : at_(at) {}
  std::int64_t number() { return *at_++; }
  std::vector<std::int64_t> list() {
    const std::int64_t* from = at_ + 1;
    at_ = from + *at_;
    return {from, at_};
  }

 private:
  const std::int64_t* at_;
};

class Network {
 public:
  Network(const std::int64_t* depths, std::int64_t channels, bool measured) : channels_(channels) {
    for (std::int64_t index = 0; index < channels; ++index) {
      channels_[index].depth = depths[index];
      channels_[index].measured = measured;
    }
  }

  Channel& channel(std::int64_t index) { return channels_[index]; }

  Sleeper& sleeper(const std::vector<std::int64_t>& reads, const std::vector<std::int64_t>& writes) {
    sleepers_.push_back(std::make_unique<Sleeper>());
    Sleeper& self = *sleepers_.back();
    self.queue = &queue_;
    self.number = int(sleepers_.size()) - 1;
    for (std::int64_t index : reads) channels_[index].reader = &self;
    for (std::int64_t index : writes) channels_[index].writer = &self;
    return self;
  }

  void add(Actor actor) {
    queue_.push_back(int(actors_.size()));
    actors_.push_back(std::move(actor));
  }

  void add(Reader& stage) {
    const std::int64_t kind = stage.number();
    const std::vector<std::int64_t> in = stage.list(), out = stage.list(), p = stage.list();
    Sleeper& self = sleeper(in, out);
    Channel &x = channels_[in[0]], &y = channels_[out[0]];
    switch (kind) {
      case PIPELINE: return add(pipeline(self, pointers(in), y, p[0], p[1], p[2]));
      case WIRING: return add(wiring(self, x, pointers(out)));
      case NARROW: return add(narrow(self, x, y, p[0]));
      case WIDEN: return add(widen(self, x, y, p[0]));
      case REDUCE: return add(pipeline(self, pointers(in), y, p[0], 1, 1, p[1], p[2]));
      case WINDOW:
        return add(window(self, x, y, {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10],
                                       p[11], p[12], p[13]}));
      case SPLICE: return add(splice(self, pointers(in), y, p));
      case LOOP: return add(loop(self, pointers(in), pointers(out), p));
      case REORDER: {
        inner_.push_back(std::make_unique<Channel>());
        Channel& frames = *inner_.back();
        frames.depth = 2 * p[1];
        Sleeper& reading = sleeper({}, out);
        frames.writer = &self;
        frames.reader = &reading;
        channels_[in[0]].reader = &self;
        add(fill(self, x, frames, p[0], p[1]));
        return add(pipeline(reading, {&frames}, y, REORDER_STAGES, 1, 1));
      }
    }
  }

  void wake(Sleeper& sleeper) { sleeper.tell(EITHER); }

  // Goes on until every actor sleeps.
  void run() {
    while (!queue_.empty()) {
      const int number = queue_.back();
      queue_.pop_back();
      actors_[number].resume();
    }
  }

 private:
  Channels pointers(const std::vector<std::int64_t>& indices) {
    Channels found;
    for (std::int64_t index : indices) found.push_back(&channels_[index]);
    return found;
  }

  std::vector<Channel> channels_;
  std::vector<std::unique_ptr<Channel>> inner_;  // of actors that stand for one stage together
  std::vector<std::unique_ptr<Sleeper>> sleepers_;
  std::vector<Actor> actors_;
  std::vector<int> queue_;
};

// In how many frames the design repeats what it does, or 0 while it is not known to.
//
// As many frames leave through every port as enter through every port, and the distances of their ends have been
// the same for longer than a frame is under way; until then a FIFO may still be filling.
//
// starts, ends: of each frame at each port.
std::int64_t period(const std::vector<std::vector<Cycle>>& starts, const std::vector<std::vector<Cycle>>& ends) {
  const std::int64_t last = std::int64_t(ends[0].size()) - 1;
  Cycle entered = starts[0][last];
  for (const auto& own : starts) entered = std::min(entered, own[last]);
  std::int64_t under_way = 0;
  for (const auto& own : ends) {
    under_way = std::max<std::int64_t>(under_way, own.end() - std::lower_bound(own.begin(), own.end(), entered));
  }
  for (std::int64_t p = 1; under_way + 1 + p <= last; ++p) {
    const Cycle length = ends[0][last] - ends[0][last - p];
    const auto as_long = [&](const std::vector<Cycle>& own) { return own[last] - own[last - p] == length; };
    const auto repeats = [&](const std::vector<Cycle>& own) {
      std::int64_t at = last;
      while (at > last - under_way - 1 && own[at] - own[at - 1] == own[at - p] - own[at - p - 1]) --at;
      return at == last - under_way - 1;
    };
    if (std::all_of(starts.begin(), starts.end(), as_long) && std::all_of(ends.begin(), ends.end(), as_long) &&
        std::all_of(ends.begin(), ends.end(), repeats)) {
      return p;
    }
  }
  return 0;
}

}  // namespace

// Follows frames until they are known to repeat, but at most `most`.
//
// ports: FIFO and beats of a frame, of the sources, then of the sinks. pace: see `source`. ends: room for `most` numbers; the cycle
// in which each frame's last beat is out, through the last port. fills: nullptr, or room for the fill of each FIFO.
// repeats: their period, or 0. Returns how many frames have been followed; -1 where the design hangs.
extern "C" __attribute__((visibility("default"))) std::int64_t hpq_follow(
    const std::int64_t* stages, std::int64_t count, const std::int64_t* depths, std::int64_t channels,
    const std::int64_t* ports, std::int64_t sources, std::int64_t sinks, std::int64_t most, std::int64_t pace,
    std::int64_t* ends, std::int64_t* fills, std::int64_t* repeats) {
  Network network(depths, channels, fills != nullptr);
  std::int64_t frames = 0;
  std::vector<std::vector<Cycle>> starts(sources), found(sinks);
  std::vector<Sleeper*> feeding;
  for (std::int64_t port = 0; port < sources; ++port, ports += 2) {
    feeding.push_back(&network.sleeper({}, {ports[0]}));
    network.add(source(*feeding.back(), network.channel(ports[0]), ports[1], frames, pace, starts[port]));
  }
  Reader reader(stages);
  for (std::int64_t index = 0; index < count; ++index) network.add(reader);
  for (std::int64_t port = 0; port < sinks; ++port, ports += 2) {
    network.add(sink(network.sleeper({ports[0]}, {}), network.channel(ports[0]), ports[1], found[port]));
  }
  while (frames < most) {
    ++frames;
    for (Sleeper* sleeper : feeding) network.wake(*sleeper);
    network.run();
    ends[frames - 1] = 0;
    for (const auto& own : found) {
      if (std::int64_t(own.size()) < frames) return -1;
      ends[frames - 1] = std::max(ends[frames - 1], own[frames - 1]);
    }
    if ((*repeats = period(starts, found)) > 0) break;
  }
  for (std::int64_t index = 0; fills && index < channels; ++index) fills[index] = network.channel(index).fill;
  return frames;
}
