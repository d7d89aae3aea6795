#include "card.h"

#include <algorithm>
#include <cstring>

#include "Vkernel.h"

namespace card {

namespace {

constexpr std::uint64_t page = 4096;
constexpr unsigned burst_words = 64, okay = 0, slave_error = 2;
constexpr std::uint32_t control = 0x00, start = 1, done = 2, resume = 16;
constexpr std::size_t in = 0, out = 1, first_store = 2; // buses
constexpr std::uint32_t frames_offset = 0x28;
constexpr unsigned reset_cycles = 16;

void check(const Burst &burst, const char *bus) {
  const std::uint64_t last = burst.address + std::uint64_t{burst.words} * word_bytes - 1;
  if (burst.words > burst_words || burst.address / page != last / page || burst.address % word_bytes != 0)
    throw Fault{std::string("a burst on ") + bus + " is too long, crosses 4 KiB or is not aligned"};
}

} // namespace

std::uint64_t Memory::allocate(std::size_t bytes, unsigned bank) {
  const std::uint64_t address = next_;
  next_ += (bytes + page - 1) / page * page + page;
  buffers_[address] = {std::vector<unsigned char>((bytes + word_bytes - 1) / word_bytes * word_bytes, 0xEE), bank};
  return address;
}

void Memory::release(std::uint64_t address) { buffers_.erase(address); }

unsigned char *Memory::find(std::uint64_t address, std::size_t bytes, unsigned bank) {
  auto after = buffers_.upper_bound(address);
  if (after == buffers_.begin())
    return nullptr;
  auto &[base, buffer] = *std::prev(after);
  if (buffer.bank != bank || address - base + bytes > buffer.bytes.size())
    return nullptr;
  return buffer.bytes.data() + (address - base);
}

Unit::Unit(unsigned number, const Settings &settings, Memory &memory)
    : settings_(settings), memory_(memory), top_(std::make_unique<Vkernel>(("unit" + std::to_string(number)).c_str())) {
  for (std::size_t bus = 0; bus < buses; ++bus)
    banks_.at(bus) = settings.bank_of(number, bus);
  for (unsigned i = 0; i < 2 * reset_cycles; ++i) {
    top_->ap_rst_n = 0;
    top_->ap_clk = i & 1;
    top_->eval();
  }
  top_->ap_rst_n = 1;
}

Unit::~Unit() { top_->final(); }

// One access at a time on AXI4-Lite.
void Unit::lite() {
  if (!current_ && !accesses_.empty()) {
    current_ = accesses_.front();
    accesses_.pop_front();
    address_sent_ = data_sent_ = false;
  }
  const bool write = current_ && current_->write, read = current_ && !current_->write;
  top_->s_axi_control_awvalid = write && !address_sent_;
  top_->s_axi_control_wvalid = write && !data_sent_;
  top_->s_axi_control_bready = write;
  top_->s_axi_control_arvalid = read && !address_sent_;
  top_->s_axi_control_rready = read;
  if (current_) {
    top_->s_axi_control_awaddr = top_->s_axi_control_araddr = current_->offset;
    top_->s_axi_control_wdata = current_->value;
    top_->s_axi_control_wstrb = 0xF;
  }
}

// What XRT's scheduler does, seen from the register map.
void Unit::schedule() {
  if (poll_ && !poll_->finished)
    return;
  if (poll_) {
    const std::uint32_t value = poll_->value;
    poll_.reset();
    if (value & done) {
      access(std::make_shared<Access>(Access{true, control, resume}));
      running_.front()->done = true;
      running_.pop_front();
    } else if (!(value & start) && !waiting_.empty()) {
      const Run &run = *waiting_.front();
      for (std::size_t i = 0; i < buses; ++i)
        for (unsigned half = 0; half < 2; ++half) {
          const auto word = static_cast<std::uint32_t>(run.addresses[i] >> 32 * half);
          access(std::make_shared<Access>(Access{true, address_offsets[i] + 4 * half, word}));
        }
      access(std::make_shared<Access>(Access{true, frames_offset, run.frames}));
      access(std::make_shared<Access>(Access{true, control, start}));
      running_.push_back(waiting_.front());
      waiting_.pop_front();
    }
  }
  if (busy()) {
    poll_ = std::make_shared<Access>(Access{false, control, 0});
    access(poll_);
  }
}

void Unit::settle(std::uint64_t cycle, std::vector<bool> &taken) {
  schedule();
  lite();
  // a bus gets its bank if no other one has it; the write goes first: what is written makes room, and its burst is
  // complete in the kernel
  const auto granted = [&](std::size_t bus, bool wanted) {
    const bool free = wanted && !taken.at(banks_.at(bus));
    taken.at(banks_.at(bus)) = taken.at(banks_.at(bus)) || free;
    return free;
  };
  write_granted_ = granted(out, !writes_.empty() && writes_.front().due <= cycle && top_->m_axi_out_wvalid);

  const auto offer = [&](std::size_t bus, auto &rvalid, auto &rdata, auto &rresp, auto &rlast) {
    Reads &reads = reads_.at(bus);
    reads.offered = granted(bus, !reads.bursts.empty() && reads.bursts.front().due <= cycle);
    rvalid = reads.offered;
    if (!reads.offered)
      return;
    const Burst &burst = reads.bursts.front();
    const unsigned char *bytes = memory_.find(burst.address, word_bytes, banks_.at(bus));
    rresp = bytes ? okay : slave_error;
    rlast = burst.words == 1;
    if (bytes)
      std::memcpy(rdata.data(), bytes, word_bytes);
  };
  top_->m_axi_in_arready = 1;
  offer(in, top_->m_axi_in_rvalid, top_->m_axi_in_rdata, top_->m_axi_in_rresp, top_->m_axi_in_rlast);
  [[maybe_unused]] std::size_t store = first_store;
#define OFFER(bus)                                                                                                     \
  top_->bus##_arready = 1;                                                                                             \
  offer(store++, top_->bus##_rvalid, top_->bus##_rdata, top_->bus##_rresp, top_->bus##_rlast);
  CARD_STORES(OFFER)
#undef OFFER
  top_->m_axi_out_awready = 1;
  top_->m_axi_out_wready = write_granted_;
  top_->m_axi_out_bvalid = !answers_.empty() && answers_.front().first <= cycle;
  top_->m_axi_out_bresp = answers_.empty() ? okay : answers_.front().second;
  top_->ap_clk = 0;
  top_->eval();
}

void Unit::edge(std::uint64_t cycle) {
  const auto take = [&](Reads &reads, bool rready) {
    if (!reads.offered || !rready)
      return;
    Burst &burst = reads.bursts.front();
    burst.address += word_bytes;
    if (--burst.words == 0)
      reads.bursts.pop_front();
  };
  const auto ask = [&](Reads &reads, bool valid, std::uint64_t address, unsigned length, const char *bus) {
    if (!valid)
      return;
    reads.bursts.push_back({address, length + 1, cycle + settings_.memory_latency});
    check(reads.bursts.back(), bus);
  };
  take(reads_.at(in), top_->m_axi_in_rready);
  ask(reads_.at(in), top_->m_axi_in_arvalid, top_->m_axi_in_araddr, top_->m_axi_in_arlen, "m_axi_in");
  [[maybe_unused]] std::size_t store = first_store;
#define TAKE(bus)                                                                                                      \
  take(reads_.at(store), top_->bus##_rready);                                                                          \
  ask(reads_.at(store++), top_->bus##_arvalid, top_->bus##_araddr, top_->bus##_arlen, #bus);
  CARD_STORES(TAKE)
#undef TAKE
  if (top_->m_axi_out_bvalid && top_->m_axi_out_bready)
    answers_.pop_front();
  if (write_granted_ && top_->m_axi_out_wvalid) {
    Burst &burst = writes_.front();
    unsigned char *bytes = memory_.find(burst.address, word_bytes, banks_.at(out));
    if (bytes)
      std::memcpy(bytes, top_->m_axi_out_wdata.data(), word_bytes);
    failed_ = failed_ || !bytes;
    burst.address += word_bytes;
    const bool last = --burst.words == 0;
    if (last != static_cast<bool>(top_->m_axi_out_wlast))
      throw Fault{"WLAST is in the wrong place"};
    if (last) {
      writes_.pop_front();
      answers_.emplace_back(cycle + settings_.memory_latency, failed_ ? slave_error : okay);
      failed_ = false;
    }
  }
  if (top_->m_axi_out_awvalid) {
    writes_.push_back({top_->m_axi_out_awaddr, top_->m_axi_out_awlen + 1U, cycle + 1});
    check(writes_.back(), "m_axi_out");
  }
  if (current_) {
    address_sent_ = address_sent_ || (top_->s_axi_control_awvalid && top_->s_axi_control_awready) ||
                    (top_->s_axi_control_arvalid && top_->s_axi_control_arready);
    data_sent_ = data_sent_ || (top_->s_axi_control_wvalid && top_->s_axi_control_wready);
    const bool answered = current_->write ? top_->s_axi_control_bvalid : top_->s_axi_control_rvalid;
    if (answered) {
      if (!current_->write)
        current_->value = top_->s_axi_control_rdata;
      current_->finished = true;
      current_.reset();
    }
  }
  top_->ap_clk = 1;
  top_->eval();
}

Card::Card(const Settings &settings) : settings_(settings) {
  for (unsigned i = 0; i < settings_.units; ++i)
    units_.push_back(std::make_unique<Unit>(i, settings_, memory_));
}

Card::~Card() = default;

void Card::step() {
  std::vector<bool> taken(std::size_t{settings_.units} * banks_a_unit, false); // by bank
  for (std::size_t i = 0; i < units_.size(); ++i)
    units_[(i + cycle_) % units_.size()]->settle(cycle_, taken); // round robin
  for (auto &unit : units_)
    unit->edge(cycle_);
  ++cycle_;
}

std::uint64_t Card::begin_transfer(bool to_card, std::size_t bytes) {
  double &free = link_free_[to_card];
  free = std::max(free, static_cast<double>(cycle_)) + static_cast<double>(bytes) / settings_.link_bytes;
  return static_cast<std::uint64_t>(free) + settings_.link_latency;
}

} // namespace card
