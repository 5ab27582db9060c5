// Runs one kernel alone at its own ports: called by hpq_hls/verify/certify/rtl_run.py.
//
//   run UNIT IN OUT WINDOW SEED FRAMES (in|out NAME BEATS LANES WIDTH BYTES)...
//     The frames of all inputs, one after the other, from IN; what comes out into OUT. An element is BYTES
//     bytes, the lowest first. WINDOW: bit of what is cast that is looked at, or -1. SEED: of the pauses; 0: none.
//   fill ...
//     As run, but nothing is taken until nothing more goes in. Prints how many beats had gone in.
//   port ...
//     As run, for a port of the design: what is offered during reset must not be taken.
//   list
//     The casts, one of each kind: number, IN_W, SHIFT, OUT_W.
//   casts NUMBER IN OUT
//     What a cast makes of the numbers of IN, eight bytes each.
//
// Exit status 3: the unit is wrong; the sentence is on standard output.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "unit.hpp"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are copied byte by byte");

namespace {

using namespace hpq;

constexpr int WRONG = 3;
constexpr int RESET_CYCLES = 6;
constexpr std::uint64_t LEAST_IDLE = 20'000;  // cycles without a beat anywhere that are one too many
constexpr std::uint64_t LEAST_AFTER = 64;     // cycles in which nothing may come behind the last beat
constexpr std::uint64_t FULL_AFTER = 16;      // cycles without a beat going in after which a unit is full

[[noreturn]] void wrong(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::putchar('\n');
  std::exit(WRONG);
}

[[noreturn]] void failed(const char* what, const char* which) {
  std::fprintf(stderr, "%s %s\n", what, which);
  std::exit(1);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  std::uint64_t below(std::uint64_t count) { return (next() >> 16) % count; }

 private:
  std::uint64_t state_;
};

// Whether one side of a stream goes on in this cycle: always, or in runs of random length.
class Pace {
 public:
  bool pauses() const { return pauses_; }
  Pace(Random& random, bool pauses) : random_(random), pauses_(pauses) {}
  bool next() {
    if (!pauses_) return true;
    if (left_ == 0) {
      on_ = !on_;
      left_ = 1 + random_.below(random_.below(8) == 0 ? 40 : 4);
    }
    --left_;
    return on_;
  }

 private:
  Random& random_;
  bool pauses_, on_ = false;
  std::uint64_t left_ = 0;
};

struct Shape {
  std::string name;
  std::uint64_t beats, lanes, width, bytes;
};

// An input with its beats, or an output with those that came.
struct Side {
  Side(const Pins& pins, const Shape& shape, std::uint64_t frames, Random& random, bool pauses)
      : pins(pins), shape(shape), total(frames * shape.beats), pace(random, pauses), random(random) {
    if (shape.lanes * shape.width > 8 * pins.bytes) failed("a port is too narrow:", shape.name.c_str());
    elements.resize(total * shape.lanes * shape.bytes);
  }

  void offer() {
    auto* words = static_cast<std::uint8_t*>(pins.data);
    std::memset(words, 0, pins.bytes);
    const std::uint8_t* element = &elements[done * shape.lanes * shape.bytes];
    const std::uint64_t mask = (std::uint64_t(1) << shape.width) - 1;
    for (std::uint64_t lane = 0, bit = 0; lane < shape.lanes; ++lane, bit += shape.width) {
      std::uint64_t value = 0;
      std::memcpy(&value, element, shape.bytes);
      put(words, bit, value & mask);
      element += shape.bytes;
    }
  }

  // What a beat that nobody offers looks like: anything.
  void rubbish() {
    auto* words = static_cast<std::uint8_t*>(pins.data);
    std::memset(words, 0, pins.bytes);
    const std::uint64_t bits = shape.lanes * shape.width;
    for (std::uint64_t bit = 0; bit < bits; bit += 32) {
      const std::uint64_t count = bits - bit < 32 ? bits - bit : 32;
      put(words, bit, random.next() >> 16 & ((std::uint64_t(1) << count) - 1));
    }
  }

  void take() {
    const auto* words = static_cast<const std::uint8_t*>(pins.data);
    std::uint8_t* element = &elements[done * shape.lanes * shape.bytes];
    const std::uint64_t mask = (std::uint64_t(1) << shape.width) - 1;
    for (std::uint64_t lane = 0, bit = 0; lane < shape.lanes; ++lane, bit += shape.width) {
      const std::uint64_t value = get(words, bit) & mask;
      std::memcpy(element, &value, shape.bytes);
      element += shape.bytes;
    }
  }

  // At most 62 bits from any bit on lie in nine bytes.
  void put(std::uint8_t* words, std::uint64_t bit, std::uint64_t value) const {
    const std::uint64_t at = bit / 8, count = pins.bytes - at;
    std::uint8_t window[9] = {};
    std::memcpy(window, words + at, count < 9 ? count : 9);
    const unsigned __int128 shifted = static_cast<unsigned __int128>(value) << bit % 8;
    for (int i = 0; i < 9; ++i) window[i] |= std::uint8_t(shifted >> 8 * i);
    std::memcpy(words + at, window, count < 9 ? count : 9);
  }

  std::uint64_t get(const std::uint8_t* words, std::uint64_t bit) const {
    const std::uint64_t at = bit / 8, count = pins.bytes - at;
    unsigned __int128 window = 0;
    std::memcpy(&window, words + at, count < 9 ? count : 9);
    return std::uint64_t(window >> bit % 8);
  }

  Pins pins;
  Shape shape;
  std::uint64_t total, done = 0;
  Pace pace;
  Random& random;
  std::vector<std::uint8_t> elements;
  std::vector<std::uint8_t> held;  // an output's beat that was not taken
};

class Bench {
 public:
  Bench(const Model& model, const Unit& unit, std::vector<Side>& inputs, std::vector<Side>& outputs, Random& random)
      : model_(model), unit_(unit), inputs_(inputs), outputs_(outputs), random_(random) {}

  // Whatever is offered or taken during reset counts for nothing. strict: nothing may be taken then.
  void reset(bool strict) {
    *unit_.reset = 1;
    for (int cycle = 0; cycle < RESET_CYCLES; ++cycle) {
      for (Side& in : inputs_) {
        in.rubbish();
        *in.pins.valid = random_.below(4) != 0;
      }
      for (Side& out : outputs_) *out.pins.ready = random_.below(2);
      edge();
      for (Side& in : inputs_)
        if (strict && *in.pins.ready) wrong("it takes beats of %s during reset", in.shape.name.c_str());
    }
    *unit_.reset = 0;
    for (Side& in : inputs_) {
      in.rubbish();
      *in.pins.valid = 0;
    }
  }

  void run() {
    std::uint64_t beats = 0;
    for (const auto* sides : {&inputs_, &outputs_})
      for (const Side& side : *sides) beats += side.shape.beats;
    const std::uint64_t limit = LEAST_IDLE + 4 * beats;
    std::uint64_t idle = 0, longest = 0;
    while (!complete()) {
      offer();
      ready(true);
      if (cycle()) {
        longest = idle > longest ? idle : longest;
        idle = 0;
      } else if (++idle > limit) {
        stands();
      }
    }
    const std::uint64_t after = LEAST_AFTER + 2 * longest;
    for (std::uint64_t i = 0; i < after; ++i) {
      offer();
      ready(true);
      cycle();
    }
  }

  std::uint64_t fill() {
    std::uint64_t idle = 0;
    while (idle < FULL_AFTER) {
      offer();
      ready(false);
      idle = cycle() ? 0 : idle + 1;
    }
    return inputs_[0].done;
  }

 private:
  bool complete() const {
    for (const auto* sides : {&inputs_, &outputs_})
      for (const Side& side : *sides)
        if (side.done < side.total) return false;
    return true;
  }

  void offer() {
    for (Side& in : inputs_) {
      if (*in.pins.valid) continue;
      if (in.done < in.total && in.pace.next()) {
        in.offer();
        *in.pins.valid = 1;
      }
    }
  }

  void ready(bool takes) {
    for (Side& out : outputs_) *out.pins.ready = takes && out.pace.next();
  }

  void edge() {
    *unit_.clock = 0;
    model_.evaluate();
    *unit_.clock = 1;
    model_.evaluate();
  }

  // Whether a beat went in or out.
  bool cycle() {
    *unit_.clock = 0;
    model_.evaluate();
    bool moved = false;
    for (Side& out : outputs_) moved |= look(out);
    taken_.clear();
    for (Side& in : inputs_)
      if (*in.pins.valid && *in.pins.ready) taken_.push_back(&in);
    *unit_.clock = 1;
    model_.evaluate();
    for (Side* in : taken_) {
      ++in->done;
      *in->pins.valid = 0;
      if (in->done == in->total || in->pace.pauses()) in->rubbish();
    }
    return moved || !taken_.empty();
  }

  bool look(Side& out) {
    const auto* data = static_cast<const std::uint8_t*>(out.pins.data);
    if (!out.held.empty()) {
      if (!*out.pins.valid)
        wrong("stream %s: beat %llu was offered, and withdrawn before it was taken", out.shape.name.c_str(),
              static_cast<unsigned long long>(out.done));
      if (std::memcmp(out.held.data(), data, out.pins.bytes) != 0)
        wrong("stream %s: beat %llu changed before it was taken", out.shape.name.c_str(),
              static_cast<unsigned long long>(out.done));
      out.held.clear();
    }
    if (!*out.pins.valid) return false;
    if (out.done == out.total)
      wrong("stream %s: more than the %llu beats that it has to make", out.shape.name.c_str(),
            static_cast<unsigned long long>(out.total));
    if (!*out.pins.ready) {
      out.held.assign(data, data + out.pins.bytes);
      return false;
    }
    out.take();
    ++out.done;
    return true;
  }

  [[noreturn]] void stands() const {
    std::string text = "it stands still:";
    for (const Side& in : inputs_)
      text += " " + std::to_string(in.done) + " of " + std::to_string(in.total) + " beats of stream " + in.shape.name +
              " went in,";
    for (const Side& out : outputs_)
      text += " " + std::to_string(out.done) + " of " + std::to_string(out.total) + " of stream " + out.shape.name +
              " came out,";
    text.pop_back();
    wrong("%s", text.c_str());
  }

  const Model& model_;
  const Unit& unit_;
  std::vector<Side>& inputs_;
  std::vector<Side>& outputs_;
  Random& random_;
  std::vector<Side*> taken_;
};

std::vector<std::uint8_t> read(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) failed("cannot read", path);
  std::fseek(file, 0, SEEK_END);
  std::vector<std::uint8_t> bytes(std::ftell(file));
  std::rewind(file);
  if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) failed("cannot read", path);
  std::fclose(file);
  return bytes;
}

class Writer {
 public:
  explicit Writer(const char* path) : path_(path), file_(std::fopen(path, "wb")) {
    if (file_ == nullptr) failed("cannot write", path);
  }
  void write(const void* bytes, std::size_t count) {
    if (std::fwrite(bytes, 1, count, file_) != count) failed("cannot write", path_);
  }
  ~Writer() {
    if (std::fclose(file_) != 0) failed("cannot write", path_);
  }

 private:
  const char* path_;
  std::FILE* file_;
};

// ---------------------------------------------------------------------------------------------
// Casts

struct Cast {
  std::string parameters;
  int in_width, half, shift, out_width;
};

std::vector<Cast>& casts() {
  static std::vector<Cast> all;
  return all;
}

int chosen = -1;
std::uint64_t result = 0;

}  // namespace

// From each cast, as it starts: its number, or -1 where there is one with the same parameters.
extern "C" int hpq_cast_new(const char* parameters, int in_width, int half, int shift, int out_width) {
  for (const Cast& cast : casts())
    if (cast.parameters == parameters) return -1;
  casts().push_back({parameters, in_width, half, shift, out_width});
  return int(casts().size()) - 1;
}

// From each cast that has a number, when the probe falls.
extern "C" void hpq_cast_made(int number, unsigned long long y) {
  if (number == chosen) result = y;
}

namespace {

void start(const Model& model, long window) {
  *model.casts.windowed = window >= 0;
  *model.casts.window = window >= 0 ? std::uint32_t(window) : 0;
  for (const Unit& unit : model.units) {
    *unit.clock = 0;
    *unit.reset = 1;
  }
  for (int probe = 0; probe < 2; ++probe) {
    *model.casts.probe = std::uint8_t(probe);
    model.evaluate();
  }
}

int list(const Model& model) {
  start(model, -1);
  int number = 0;
  for (const Cast& cast : casts())
    std::printf("%d %d %d %d %d\n", number++, cast.in_width, cast.half, cast.shift, cast.out_width);
  return 0;
}

int cast_alone(const Model& model, char** arguments) {
  chosen = std::atoi(arguments[0]);
  start(model, -1);
  const std::vector<std::uint8_t> codes = read(arguments[1]);
  Writer out(arguments[2]);
  for (std::size_t at = 0; at < codes.size(); at += 8) {
    std::memcpy(model.casts.number, &codes[at], 8);
    *model.casts.probe = 0;
    model.evaluate();
    *model.casts.probe = 1;
    model.evaluate();
    *model.casts.probe = 0;
    model.evaluate();
    out.write(&result, 8);
  }
  return 0;
}

int run(const Model& model, const std::string& what, int count, char** arguments) {
  const Unit& unit = model.units.at(std::strtoul(arguments[0], nullptr, 10));
  const std::uint64_t seed = std::strtoull(arguments[4], nullptr, 10), frames = std::strtoull(arguments[5], nullptr, 10);
  start(model, std::atol(arguments[3]));
  Random random(seed);
  std::vector<Side> inputs, outputs;
  for (int at = 6; at + 5 < count; at += 6) {
    std::uint64_t numbers[4];
    for (int i = 0; i < 4; ++i) numbers[i] = std::strtoull(arguments[at + 2 + i], nullptr, 10);
    const Shape shape{arguments[at + 1], numbers[0], numbers[1], numbers[2], numbers[3]};
    const bool in = std::strcmp(arguments[at], "in") == 0;
    std::vector<Side>& sides = in ? inputs : outputs;
    sides.emplace_back((in ? unit.inputs : unit.outputs).at(sides.size()), shape, frames, random, seed != 0);
  }
  const std::vector<std::uint8_t> given = read(arguments[1]);
  std::size_t at = 0;
  for (Side& in : inputs) {
    if (at + in.elements.size() > given.size()) failed("too little in", arguments[1]);
    std::memcpy(in.elements.data(), &given[at], in.elements.size());
    at += in.elements.size();
  }
  Bench bench(model, unit, inputs, outputs, random);
  bench.reset(what == "port");
  if (what == "fill") std::printf("%llu\n", static_cast<unsigned long long>(bench.fill()));
  bench.run();
  Writer out(arguments[2]);
  for (const Side& side : outputs) out.write(side.elements.data(), side.elements.size());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  const char* seed = std::getenv("HPQ_SEED");
  const Model model = make_model(seed == nullptr ? 1 : unsigned(std::strtoul(seed, nullptr, 10)));
  if (what == "list") return list(model);
  if (what == "casts" && count == 5) return cast_alone(model, arguments + 2);
  if (count > 8 && (what == "run" || what == "fill" || what == "port")) return run(model, what, count - 2, arguments + 2);
  failed("unknown command", what.c_str());
}
