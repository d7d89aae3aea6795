// The library fpga_pci of the AWS SDK over the custom logic in simulation, cycle by cycle. What the host writes to the
// window is posted: it waits until a read of the window pushes it, as it may in the processor and on PCIe.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "Vlogic.h"
#include "verilated.h"
extern "C" {
#include <fpga_pci.h>
}

namespace {

constexpr unsigned word = 64;
constexpr unsigned page = 4096;
constexpr unsigned patience = 100000; // cycles without an answer
constexpr int registers = 7, window = 9;

[[noreturn]] void fail(const char *what) {
  std::printf("fake: %s\n", what);
  std::fflush(stdout);
  std::_Exit(3);
}

class Card {
public:
  Card() {
    top.rst_n = 0;
    for (int n = 0; n < 5; n++)
      tick();
    top.rst_n = 1;
    tick();
  }

  void poke(std::uint32_t address, std::uint32_t value) {
    idle();
    top.ocl_awaddr = address;
    top.ocl_wdata = value;
    top.ocl_wstrb = 15;
    top.ocl_awvalid = top.ocl_wvalid = 1;
    top.ocl_bready = 1;
    until("a write of a register", [&] {
      const bool taken = top.ocl_awvalid && top.ocl_awready, data = top.ocl_wvalid && top.ocl_wready;
      const bool answered = top.ocl_bvalid;
      after = [=, this] {
        if (taken)
          top.ocl_awvalid = 0;
        if (data)
          top.ocl_wvalid = 0;
      };
      return answered;
    });
  }

  std::uint32_t peek(std::uint32_t address) {
    std::uint32_t value = 0;
    idle();
    top.ocl_araddr = address;
    top.ocl_arvalid = top.ocl_rready = 1;
    until("a read of a register", [&] {
      const bool taken = top.ocl_arvalid && top.ocl_arready;
      after = [=, this] {
        if (taken)
          top.ocl_arvalid = 0;
      };
      value = top.ocl_rdata;
      return bool(top.ocl_rvalid);
    });
    return value;
  }

  void post(std::uint64_t address, const void *data, std::size_t bytes) {
    const auto *from = static_cast<const unsigned char *>(data);
    posted.push_back({address, {from, from + bytes}});
  }

  void read(std::uint64_t address, void *data, std::size_t bytes) {
    push();
    idle();
    top.pcis_araddr = address;
    top.pcis_arlen = 0;
    top.pcis_arsize = 6;
    top.pcis_arburst = 1;
    top.pcis_arid = random() & 0xFFFF;
    top.pcis_arvalid = 1;
    top.pcis_rready = 1;
    until("a read of the window", [&] {
      const bool taken = top.pcis_arvalid && top.pcis_arready;
      after = [=, this] {
        if (taken)
          top.pcis_arvalid = 0;
      };
      if (top.pcis_rvalid) {
        if (!top.pcis_rlast || top.pcis_rid != top.pcis_arid)
          fail("an answer that was not asked for");
        std::memcpy(data, reinterpret_cast<const unsigned char *>(&top.pcis_rdata[0]) + address % word, bytes);
      }
      return bool(top.pcis_rvalid);
    });
    top.pcis_rready = 0;
  }

private:
  struct Posted {
    std::uint64_t address;
    std::vector<unsigned char> bytes;
  };

  void tick() {
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
  }
  void idle() {
    for (unsigned n = random() % 40; n; n--)
      tick();
  }
  // Cycles until `done`, which sees the signals before the clock's edge and may set `after`, for behind it.
  void until(const char *what, const std::function<bool()> &done) {
    for (unsigned n = 0; n < patience; n++) {
      top.clk = 0;
      top.eval();
      const bool over = done();
      top.clk = 1;
      top.eval();
      if (after)
        after();
      after = nullptr;
      if (over)
        return;
    }
    fail(what);
  }

  // All that is posted becomes bursts of any length, none across a page.
  void push() {
    for (; !posted.empty(); posted.pop_front()) {
      const Posted &all = posted.front();
      for (std::size_t at = 0; at < all.bytes.size();) {
        const std::uint64_t address = all.address + at;
        std::size_t bytes = std::min<std::size_t>(all.bytes.size() - at, page - address % page);
        bytes = std::min<std::size_t>(bytes, 4 * (1 + random() % (page / 4)));
        burst(address, all.bytes.data() + at, bytes);
        at += bytes;
      }
    }
  }
  void burst(std::uint64_t address, const unsigned char *data, std::size_t bytes) {
    std::size_t sent = 0;
    const unsigned words = (address % word + bytes + word - 1) / word;
    unsigned left = words;
    top.pcis_awaddr = address;
    top.pcis_awlen = words - 1;
    top.pcis_awsize = 6;
    top.pcis_awburst = 1;
    top.pcis_awvalid = 1;
    top.pcis_bready = 1;
    auto next = [&] {
      const std::size_t first = (address + sent) % word, count = std::min(bytes - sent, word - first);
      std::memset(&top.pcis_wdata[0], 0xA5, word);
      std::memcpy(reinterpret_cast<unsigned char *>(&top.pcis_wdata[0]) + first, data + sent, count);
      top.pcis_wstrb = (count == word ? ~0ull : (1ull << count) - 1) << first;
      top.pcis_wlast = left == 1;
      top.pcis_wvalid = 1;
      sent += count;
    };
    next();
    until("a write to the window", [&] {
      const bool taken = top.pcis_awvalid && top.pcis_awready, data_taken = top.pcis_wvalid && top.pcis_wready;
      const bool answered = top.pcis_bvalid;
      after = [&, taken, data_taken] {
        if (taken)
          top.pcis_awvalid = 0;
        if (data_taken) {
          top.pcis_wvalid = 0;
          if (--left)
            next();
        }
      };
      return answered;
    });
    if (left)
      fail("a write is answered before its end");
  }

  Vlogic top;
  std::mt19937 random{1};
  std::deque<Posted> posted;
  std::function<void()> after;
};

Card *card; // stays until the process ends: Verilator's own objects may go before

} // namespace

extern "C" {

int fpga_pci_init(void) { return 0; }

int fpga_pci_attach(int slot, int pf, int bar, uint32_t flags, pci_bar_handle_t *handle) {
  if (slot != 0 || pf != FPGA_APP_PF)
    return -1;
  if (!card)
    card = new Card;
  if (bar == APP_PF_BAR0)
    *handle = registers;
  else if (bar == APP_PF_BAR4 && flags == BURST_CAPABLE)
    *handle = window;
  else
    return -1;
  return 0;
}

int fpga_pci_detach(pci_bar_handle_t) { return 0; }

int fpga_pci_poke(pci_bar_handle_t handle, uint64_t offset, uint32_t value) {
  if (handle == registers)
    card->poke(offset, value);
  else
    card->post(offset, &value, 4);
  return 0;
}

int fpga_pci_peek(pci_bar_handle_t handle, uint64_t offset, uint32_t *value) {
  if (offset % 4)
    fail("a misaligned read");
  if (handle == registers)
    *value = card->peek(offset);
  else
    card->read(offset, value, 4);
  return 0;
}

int fpga_pci_peek64(pci_bar_handle_t handle, uint64_t offset, uint64_t *value) {
  if (handle != window || offset % 8)
    fail("a misaligned read");
  card->read(offset, value, 8);
  return 0;
}

int fpga_pci_write_burst(pci_bar_handle_t handle, uint64_t offset, uint32_t *data, uint64_t words) {
  if (handle != window || offset % 4)
    fail("a burst to registers");
  card->post(offset, data, 4 * words);
  return 0;
}
}
