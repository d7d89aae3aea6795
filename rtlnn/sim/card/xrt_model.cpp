// XRT's native API, as far as `xrt/` declares it, on a card in simulation.
//
// Simulated time advances only while every thread of the host waits for the card, so that the host's own work takes
// none of it. Settings come from the "xclbin", a text file with a line "name value" each.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <stdexcept>

#include <unistd.h>

#include "card.h"
#include "xrt/xrt_bo.h"
#include "xrt/xrt_device.h"
#include "xrt/xrt_kernel.h"

double sc_time_stamp() { return 0; }

namespace {

constexpr std::uint64_t quiet_cycles = 2'000'000; // longer than any wait of a healthy card of small frames
constexpr std::chrono::milliseconds poll{10};
constexpr int asleep_polls = 3; // in a row: a thread that computes may be held up for a moment, too
constexpr int frames_argument = 2;

// The bus that an argument is the address of; `card::buses` where there is none.
std::size_t bus_of(int argument) {
  const auto bus = static_cast<std::size_t>(argument < frames_argument ? argument : argument - 1);
  return argument < 0 || argument == frames_argument || bus >= card::buses ? card::buses : bus;
}

// Whether a thread of this process waits for something, or has ended; not whether the machine has no time for it.
bool asleep(pid_t thread) {
  std::ifstream in("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(in, line);
  const auto name_end = line.rfind(')');
  return name_end == std::string::npos || line.compare(name_end, 3, ") S") == 0;
}

class Clock {
public:
  // Blocks until `ready`, which is asked once a cycle; false if it does not come within `quiet_cycles`.
  bool until(card::Card &card, const std::function<bool()> &ready) {
    std::unique_lock lock(mutex_);
    if (awake_.erase(gettid()) != 0)
      changed_.notify_all();
    waiting_.push_back({&ready, gettid(), false});
    const auto self = std::prev(waiting_.end());
    const std::uint64_t last = card.cycle() + quiet_cycles;
    wake();
    while (!self->woken && card.cycle() < last) {
      if (awake_.empty()) {
        card.step();
        wake();
        if (!awake_.empty())
          changed_.notify_all();
      } else if (changed_.wait_for(lock, poll) == std::cv_status::timeout) {
        forget_sleepers();
      }
    }
    const bool woken = self->woken;
    waiting_.erase(self);
    return woken;
  }

  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

private:
  struct Waiting {
    const std::function<bool()> *ready;
    pid_t thread;
    bool woken;
  };

  void wake() {
    for (Waiting &each : waiting_)
      if (!each.woken && (*each.ready)()) {
        each.woken = true;
        awake_[each.thread] = 0;
      }
  }

  // A thread that was woken may have ended, or wait for another one of the host's: it holds up the card no longer.
  void forget_sleepers() {
    const auto now = std::chrono::steady_clock::now();
    if (now - polled_ < poll)
      return; // another thread has just looked
    polled_ = now;
    for (auto each = awake_.begin(); each != awake_.end();) {
      each->second = asleep(each->first) ? each->second + 1 : 0;
      each = each->second == asleep_polls ? awake_.erase(each) : std::next(each);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Waiting> waiting_;
  // threads that the card has answered and that have not come back, and how often each was found asleep in a row
  std::map<pid_t, int> awake_;
  std::chrono::steady_clock::time_point polled_{};
};

Clock &simulated() {
  static Clock clock;
  return clock;
}

card::Settings read_settings(const std::string &file) {
  std::ifstream in(file);
  if (!in)
    throw std::runtime_error("cannot open " + file);
  card::Settings settings;
  std::string name;
  double value = 0;
  while (in >> name >> value) {
    if (name == "units")
      settings.units = static_cast<unsigned>(value);
    else if (name == "memory_latency")
      settings.memory_latency = static_cast<unsigned>(value);
    else if (name == "link_latency")
      settings.link_latency = static_cast<unsigned>(value);
    else if (name == "link_bytes")
      settings.link_bytes = value;
    else if (name == "one_bank")
      settings.one_bank = value != 0;
    else
      throw std::runtime_error("unknown setting " + name + " in " + file);
  }
  return settings;
}

} // namespace

namespace xrt {

device::device(unsigned int index) {
  if (index != 0)
    throw std::runtime_error("no such device: " + std::to_string(index));
}

uuid device::load_xclbin(const std::string &file) {
  handle = std::shared_ptr<card::Card>(new card::Card(read_settings(file)), [](card::Card *card) {
    std::fprintf(stderr, "simulated card: %" PRIu64 " cycles\n", card->cycle());
    delete card;
  });
  return {};
}

struct bo::Buffer {
  std::shared_ptr<card::Card> card;
  std::vector<unsigned char> host;
  std::uint64_t address;
  unsigned bank;
  ~Buffer() {
    const auto lock = simulated().lock();
    card->memory().release(address);
  }
};

bo::bo(const device &device, std::size_t size, memory_group group) {
  if (size == 0)
    throw std::runtime_error("an empty buffer");
  const auto lock = simulated().lock();
  const auto &card = device.get_handle();
  handle.reset(new Buffer{card, std::vector<unsigned char>(size), card->memory().allocate(size, group), group});
}

void *bo::host() const { return handle->host.data(); }
std::size_t bo::size() const { return handle->host.size(); }
std::uint64_t bo::address() const { return handle->address; }

void bo::sync(xclBOSyncDirection direction, std::size_t size, std::size_t offset) {
  card::Card &card = *handle->card;
  const bool to_card = direction == XCL_BO_SYNC_BO_TO_DEVICE;
  unsigned char *there = nullptr;
  std::uint64_t end = 0;
  {
    const auto lock = simulated().lock();
    there = card.memory().find(handle->address + offset, size, handle->bank);
    if (!there)
      throw std::runtime_error("a transfer beyond the end of a buffer");
    if (!to_card) // what is there when the transfer begins: later bytes of a late run must not slip in
      std::copy(there, there + size, handle->host.data() + offset);
    end = card.begin_transfer(to_card, size);
  }
  simulated().until(card, [&] { return card.cycle() >= end; });
  const auto lock = simulated().lock();
  if (to_card)
    std::copy_n(handle->host.data() + offset, size, there);
}

struct kernel::Unit {
  std::shared_ptr<card::Card> card;
  unsigned number;
  std::uint32_t access(bool write, std::uint32_t offset, std::uint32_t value) const {
    auto access = std::make_shared<card::Unit::Access>(card::Unit::Access{write, offset, value});
    {
      const auto lock = simulated().lock();
      card->unit(number).access(access);
    }
    if (!simulated().until(*card, [&] { return access->finished; }))
      throw std::runtime_error("a register does not answer");
    return access->value;
  }
};

// `name` is KERNEL:{UNIT}, where UNIT ends with its number from 1 on.
kernel::kernel(const device &device, const uuid &, const std::string &name, cu_access_mode mode) {
  const auto open = name.find(":{"), last = name.rfind('_');
  if (open == std::string::npos || name.back() != '}' || last == std::string::npos || last < open)
    throw std::runtime_error("no compute unit called " + name);
  const int number = std::stoi(name.substr(last + 1));
  const auto &card = device.get_handle();
  if (!card || number < 1 || static_cast<unsigned>(number) > card->settings().units)
    throw std::runtime_error("no compute unit called " + name);
  if (mode != cu_access_mode::exclusive)
    throw std::runtime_error("registers are read of a unit opened for exclusive access only");
  handle.reset(new Unit{card, static_cast<unsigned>(number) - 1});
}

int kernel::group_id(int argument) const {
  if (bus_of(argument) == card::buses)
    throw std::runtime_error("argument " + std::to_string(argument) + " is no buffer");
  return static_cast<int>(handle->card->settings().bank_of(handle->number, bus_of(argument)));
}
std::uint32_t kernel::read_register(std::uint32_t offset) const { return handle->access(false, offset, 0); }
void kernel::write_register(std::uint32_t offset, std::uint32_t data) { handle->access(true, offset, data); }

struct run::Command {
  std::shared_ptr<kernel::Unit> unit;
  card::Run arguments;
  std::shared_ptr<card::Run> started;
  std::map<int, std::shared_ptr<bo::Buffer>> buffers;
};

run::run(const kernel &kernel) : handle(std::make_shared<Command>()) { handle->unit = kernel.get_handle(); }

void run::set_arg(int index, const bo &buffer) {
  const Command &command = *handle;
  const std::size_t bus = bus_of(index);
  if (bus == card::buses)
    throw std::runtime_error("argument " + std::to_string(index) + " is no buffer");
  if (buffer.get_handle()->bank != command.unit->card->settings().bank_of(command.unit->number, bus))
    throw std::runtime_error("a buffer in a bank that the compute unit does not reach");
  handle->arguments.addresses.at(bus) = buffer.address();
  handle->buffers[index] = buffer.get_handle();
}

void run::set_arg(int index, std::uint32_t value) {
  if (index != frames_argument)
    throw std::runtime_error("argument " + std::to_string(index) + " is a buffer");
  handle->arguments.frames = value;
}

void run::start() {
  const auto lock = simulated().lock();
  handle->started = std::make_shared<card::Run>(handle->arguments);
  handle->unit->card->unit(handle->unit->number).submit(handle->started);
}

ert_cmd_state run::wait(const std::chrono::milliseconds &) const {
  const bool done = simulated().until(*handle->unit->card, [this] { return handle->started->done; });
  return done ? ERT_CMD_STATE_COMPLETED : ERT_CMD_STATE_TIMEOUT;
}

ert_cmd_state run::state() const {
  const auto lock = simulated().lock();
  if (!handle->started)
    return ERT_CMD_STATE_NEW;
  return handle->started->done ? ERT_CMD_STATE_COMPLETED : ERT_CMD_STATE_RUNNING;
}

} // namespace xrt
