// The compute units of the card: batches of frames in, batches out, every unit busy all the time.
//
// One thread a unit. Each unit has two slots (buffers and a run): while it computes one batch, the results of the one
// before are fetched and the next one is sent, and its start waits in the kernel's registers. A unit takes the next
// batch as soon as it has a free slot, so that a slow one holds up nobody; results go where their batch belongs.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "xrt/xrt_bo.h"
#include "xrt/xrt_device.h"
#include "xrt/xrt_kernel.h"

namespace units {

constexpr std::size_t word_bytes = 64;    // every frame starts at a multiple of this
constexpr std::uint32_t status_offset = 0x30, magic_offset = 0x40, version_offset = 0x44, design_offset = 0x48;
constexpr std::uint32_t magic = 0x4E4E5452, version = 1; // of every kernel with these registers
constexpr int input_argument = 0, output_argument = 1, frames_argument = 2, first_store = 3;

// One side of the core: a frame's elements, and how they lie in memory.
struct Port {
  std::size_t elements;
  std::size_t bytes; // of an element: 1, 2 or 4
  bool is_signed;

  std::size_t stride() const { return (elements * bytes + word_bytes - 1) / word_bytes * word_bytes; }

  void pack(const double *values, unsigned char *memory) const {
    for (std::size_t i = 0; i < elements; ++i) {
      const auto bits = static_cast<std::uint32_t>(static_cast<std::int64_t>(values[i]));
      for (std::size_t byte = 0; byte < bytes; ++byte)
        memory[i * bytes + byte] = static_cast<unsigned char>(bits >> 8 * byte);
    }
    std::memset(memory + elements * bytes, 0, stride() - elements * bytes);
  }

  void unpack(const unsigned char *memory, double *values) const {
    for (std::size_t i = 0; i < elements; ++i) {
      std::uint64_t bits = 0;
      for (std::size_t byte = 0; byte < bytes; ++byte)
        bits |= static_cast<std::uint64_t>(memory[i * bytes + byte]) << 8 * byte;
      const bool negative = is_signed && (bits >> (8 * bytes - 1) & 1);
      values[i] = static_cast<double>(bits) - (negative ? static_cast<double>(std::uint64_t{1} << 8 * bytes) : 0.0);
    }
  }
};

struct Settings {
  std::string kernel;
  std::vector<std::string> names; // of the units
  Port input, output;
  std::uint64_t design;            // the number of the build
  std::vector<std::string> stores; // files of weights that the kernel reads, in the order of its arguments
  std::size_t batch;               // frames of a run at most: whole batches of the hardware
  std::size_t whole;               // frames of a batch of the hardware
  std::chrono::milliseconds timeout;
};

inline std::string describe(std::uint32_t status) {
  static const std::array<const char *, 5> meanings{"a frame was too short or too long", "a read was answered with an error",
                                                    "a write was answered with an error",
                                                    "an address was no multiple of 64",
                                                    "the frames of a run were no whole batches"};
  std::string text;
  for (std::size_t bit = 0; bit < meanings.size(); ++bit)
    if (status >> bit & 1)
      text += (text.empty() ? "" : "; ") + std::string(meanings.at(bit));
  return text;
}

class Unit {
public:
  Unit(const xrt::device &device, const xrt::uuid &xclbin, const std::string &name, const Settings &settings)
      : settings_(settings), name_(name),
        kernel_(device, xclbin, settings.kernel + ":{" + name + "}", xrt::kernel::cu_access_mode::exclusive) {
    check_design();
    for (const std::string &store : settings.stores) {
      std::ifstream file(store, std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      if (bytes.empty())
        throw std::runtime_error(store + " cannot be read, or is empty");
      // reads are whole words
      const int argument = first_store + static_cast<int>(stores_.size());
      stores_.emplace_back(device, (bytes.size() + word_bytes - 1) / word_bytes * word_bytes, group(argument));
      std::memcpy(stores_.back().map<char *>(), bytes.data(), bytes.size());
      stores_.back().sync(XCL_BO_SYNC_BO_TO_DEVICE);
    }
    for (Slot &slot : slots_) {
      slot.input = xrt::bo(device, settings.input.stride() * settings.batch, group(input_argument));
      slot.output = xrt::bo(device, settings.output.stride() * settings.batch, group(output_argument));
      slot.run = xrt::run(kernel_);
      slot.run.set_arg(input_argument, slot.input);
      slot.run.set_arg(output_argument, slot.output);
      for (std::size_t i = 0; i < stores_.size(); ++i)
        slot.run.set_arg(first_store + static_cast<int>(i), stores_[i]);
    }
  }

  static constexpr std::size_t slots = 2;

  // Takes batches until there are none: `next` counts them, for all units.
  void work(const std::vector<double> &in, std::vector<double> &out, std::size_t batch, std::atomic<std::size_t> &next) {
    const std::size_t frames = in.size() / settings_.input.elements;
    std::size_t number = 0, under_way = 0;
    for (bool more = true; more || under_way > 0; ++number) {
      Slot &slot = slots_[number % slots_.size()];
      if (slot.frames > 0) {
        finish(slot, out);
        --under_way;
      }
      if (!more)
        continue;
      const std::size_t first = batch * next++;
      more = first < frames;
      if (more) {
        start(slot, in, first, std::min(batch, frames - first));
        ++under_way;
      }
    }
  }

private:
  struct Slot {
    xrt::bo input, output;
    xrt::run run;
    std::size_t first = 0, frames = 0; // of the batch that is under way
  };

  xrt::memory_group group(int argument) const { return static_cast<xrt::memory_group>(kernel_.group_id(argument)); }

  void start(Slot &slot, const std::vector<double> &in, std::size_t first, std::size_t frames) {
    auto *memory = slot.input.map<unsigned char *>();
    const Port &port = settings_.input;
    for (std::size_t i = 0; i < frames; ++i)
      port.pack(in.data() + (first + i) * port.elements, memory + i * port.stride());
    slot.input.sync(XCL_BO_SYNC_BO_TO_DEVICE, frames * port.stride(), 0);
    // the hardware takes whole batches: what is behind the last frame counts as frames, too
    const std::size_t whole = (frames + settings_.whole - 1) / settings_.whole * settings_.whole;
    slot.run.set_arg(frames_argument, static_cast<std::uint32_t>(whole));
    check_status(); // a start that finds the kernel idle clears it
    slot.run.start();
    slot.first = first;
    slot.frames = frames;
  }

  void finish(Slot &slot, std::vector<double> &out) {
    const ert_cmd_state state = slot.run.wait(settings_.timeout);
    if (state != ERT_CMD_STATE_COMPLETED)
      throw std::runtime_error(name_ + " did not finish a run (state " + std::to_string(state) + "); status: " +
                               describe(kernel_.read_register(status_offset)));
    check_status();
    const Port &port = settings_.output;
    slot.output.sync(XCL_BO_SYNC_BO_FROM_DEVICE, slot.frames * port.stride(), 0);
    const auto *memory = slot.output.map<const unsigned char *>();
    for (std::size_t i = 0; i < slot.frames; ++i)
      port.unpack(memory + i * port.stride(), out.data() + (slot.first + i) * port.elements);
    slot.frames = 0;
  }

  // Whether the bitstream is that of the build.
  void check_design() const {
    const auto fail = [&](const std::string &what) {
      throw std::runtime_error("wrong bitstream: " + name_ + what + "; make it again from this build");
    };
    if (kernel_.read_register(magic_offset) != magic)
      fail(" does not say which design it is");
    if (const std::uint32_t found = kernel_.read_register(version_offset); found != version)
      fail(" has registers of version " + std::to_string(found) + ", and this program knows " + std::to_string(version));
    const std::uint64_t high = kernel_.read_register(design_offset + 4);
    const std::uint64_t design = high << 32 | kernel_.read_register(design_offset);
    if (design != settings_.design) {
      char text[64];
      std::snprintf(text, sizeof(text), " is design %016" PRIx64 ", not %016" PRIx64, design, settings_.design);
      fail(text);
    }
  }

  void check_status() const {
    if (const std::uint32_t status = kernel_.read_register(status_offset))
      throw std::runtime_error(name_ + ": " + describe(status));
  }

  const Settings &settings_;
  std::string name_;
  xrt::kernel kernel_;
  std::vector<xrt::bo> stores_;
  std::array<Slot, slots> slots_;
};

class Units {
public:
  Units(const xrt::device &device, const xrt::uuid &xclbin, Settings settings) : settings_(std::move(settings)) {
    for (const std::string &name : settings_.names)
      units_.push_back(std::make_unique<Unit>(device, xclbin, name, settings_));
  }

  // The core's output frames for its input frames; throws what a unit has thrown.
  std::vector<double> run(const std::vector<double> &in) {
    const std::size_t frames = in.size() / settings_.input.elements, places = units_.size() * Unit::slots;
    const std::size_t share = (frames + places - 1) / places; // few are shared out, too
    const std::size_t batch = std::min(settings_.batch, (share + settings_.whole - 1) / settings_.whole * settings_.whole);
    std::vector<double> out(frames * settings_.output.elements);
    std::atomic<std::size_t> next{0};
    std::vector<std::exception_ptr> failures(units_.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < units_.size(); ++i)
      threads.emplace_back([&, i] {
        try {
          units_[i]->work(in, out, batch, next);
        } catch (...) {
          failures[i] = std::current_exception();
        }
      });
    for (std::thread &thread : threads)
      thread.join();
    for (const std::exception_ptr &failure : failures)
      if (failure)
        std::rethrow_exception(failure);
    return out;
  }

private:
  Settings settings_;
  std::vector<std::unique_ptr<Unit>> units_;
};

} // namespace units
