// A card in simulation: compute units (the Verilated kernel, cycle by cycle), banks of memory, and the PCIe link.
//
// All units share one clock. Each has banks of its own, if they do not all share one; which bus goes to which of them is
// in `buses.h`, written for each kernel. A bank moves one word of 64 bytes a cycle, in either direction,
// `memory_latency` cycles after it was asked; the link moves `link_bytes` a cycle in each direction, `link_latency` cycles after a transfer
// was begun, one transfer after the other. The scheduler does what XRT's does with an `ap_ctrl_chain` kernel: it writes
// the arguments and the start of a waiting run as soon as START reads 0, and CONTINUE as soon as DONE reads 1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "buses.h"

class Vkernel;

namespace card {

constexpr unsigned word_bytes = 64;
constexpr std::size_t buses = bus_banks.size(); // input, output, then those of weights

struct Settings {
  unsigned units = 1;
  unsigned memory_latency = 64;
  unsigned link_latency = 300;
  double link_bytes = 40;
  bool one_bank = false; // all units share one bank

  unsigned bank_of(unsigned unit, std::size_t bus) const {
    return one_bank ? 0 : unit * banks_a_unit + bus_banks.at(bus);
  }
};

// The kernel broke the rules of a bus.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A transfer over the bus between the unit and memory that is under way.
struct Burst {
  std::uint64_t address;
  unsigned words;
  std::uint64_t due; // cycle from which its data may move
};

struct Run {
  std::array<std::uint64_t, buses> addresses{};
  std::uint32_t frames = 0;
  bool done = false;
};

class Memory {
public:
  // Room at a multiple of 4 KiB, in `bank`; the pages around it belong to nobody.
  std::uint64_t allocate(std::size_t bytes, unsigned bank);
  void release(std::uint64_t address);
  // The bytes at `address`, or nullptr if they are not in one buffer of `bank`.
  unsigned char *find(std::uint64_t address, std::size_t bytes, unsigned bank);

private:
  struct Buffer {
    std::vector<unsigned char> bytes;
    unsigned bank;
  };
  std::map<std::uint64_t, Buffer> buffers_;
  std::uint64_t next_ = 0x1'0000'0000;
};

class Unit {
public:
  Unit(unsigned number, const Settings &settings, Memory &memory);
  ~Unit();
  void submit(std::shared_ptr<Run> run) { waiting_.push_back(std::move(run)); }
  // One access of the host to a register; `finished` tells when `value` is there.
  struct Access {
    bool write;
    std::uint32_t offset, value;
    bool finished = false;
  };
  void access(std::shared_ptr<Access> access) { accesses_.push_back(std::move(access)); }

  // A cycle in two steps: what enters the kernel (`taken`: banks that move a word already), then the clock's edge.
  void settle(std::uint64_t cycle, std::vector<bool> &taken);
  void edge(std::uint64_t cycle);
  bool busy() const { return !waiting_.empty() || !running_.empty(); }

private:
  void lite();
  void schedule();

  std::array<unsigned, buses> banks_;
  const Settings &settings_;
  Memory &memory_;
  std::unique_ptr<Vkernel> top_;
  std::deque<std::shared_ptr<Run>> waiting_, running_;
  std::deque<std::shared_ptr<Access>> accesses_;
  std::shared_ptr<Access> current_, poll_;
  bool address_sent_ = false, data_sent_ = false;
  struct Reads {
    std::deque<Burst> bursts;
    bool offered = false;
  };
  std::array<Reads, buses> reads_; // by bus; that of the output is not used
  std::deque<Burst> writes_;
  std::deque<std::pair<std::uint64_t, unsigned>> answers_; // due, response
  bool failed_ = false;                                    // the write burst under way met no memory
  bool write_granted_ = false;
};

class Card {
public:
  explicit Card(const Settings &settings);
  ~Card();
  void step();
  std::uint64_t begin_transfer(bool to_card, std::size_t bytes); // the cycle in which it ends
  std::uint64_t cycle() const { return cycle_; }
  Unit &unit(unsigned number) { return *units_.at(number); }
  const Settings &settings() const { return settings_; }
  Memory &memory() { return memory_; }

private:
  Settings settings_;
  Memory memory_;
  std::vector<std::unique_ptr<Unit>> units_;
  std::uint64_t cycle_ = 0;
  std::array<double, 2> link_free_{};
};

} // namespace card
