// What the driver knows of a simulated design: units, each with a clock of its own, and their ports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hpq {

// A stream at a unit: its data as Verilator keeps it, words of the machine, the lowest one first.
struct Pins {
  void* data;
  std::size_t bytes;
  std::uint8_t* valid;
  std::uint8_t* ready;
};

struct Unit {
  std::uint8_t* clock;
  std::uint8_t* reset;
  std::vector<Pins> inputs;
  std::vector<Pins> outputs;
};

// What every cast of the bench looks at when `probe` rises.
struct Casts {
  std::uint8_t* probe;
  std::uint8_t* windowed;
  std::uint32_t* window;
  std::uint64_t* number;
};

struct Model {
  std::vector<Unit> units;
  Casts casts;
  void (*evaluate)();
};

// Printed for each bench from a template. seed: of the bits that registers start with.
Model make_model(unsigned seed);

}  // namespace hpq
