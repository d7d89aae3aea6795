// The simulated card for Python (ctypes). A call that fails returns -1 or nullptr; `sim_error` tells why.
#include <cstdint>
#include <exception>
#include <string>

#include "card.h"
#include "xrt/xrt_bo.h"
#include "xrt/xrt_device.h"
#include "xrt/xrt_kernel.h"

namespace {

std::string &error() {
  static thread_local std::string text;
  return text;
}

template <typename Result, typename Call> Result guarded(Result failed, Call call) {
  try {
    return call();
  } catch (const std::exception &problem) {
    error() = problem.what();
    return failed;
  }
}

template <typename Call> int guarded(Call call) {
  return guarded(-1, [&] {
    call();
    return 0;
  });
}

} // namespace

extern "C" {

const char *sim_error() { return error().c_str(); }

xrt::device *sim_device(unsigned index, const char *xclbin) {
  return guarded<xrt::device *>(nullptr, [&] {
    xrt::device device(index);
    device.load_xclbin(xclbin);
    return new xrt::device(device);
  });
}
std::uint64_t sim_cycles(xrt::device *device) { return device->get_handle()->cycle(); }
void sim_free_device(xrt::device *device) { delete device; }

xrt::kernel *sim_kernel(xrt::device *device, const char *name) {
  return guarded<xrt::kernel *>(nullptr, [&] {
    return new xrt::kernel(*device, xrt::uuid(), name, xrt::kernel::cu_access_mode::exclusive);
  });
}
int sim_group(xrt::kernel *kernel, int argument) { return kernel->group_id(argument); }
std::int64_t sim_read(xrt::kernel *kernel, unsigned offset) {
  return guarded<std::int64_t>(-1, [&] { return kernel->read_register(offset); });
}
void sim_free_kernel(xrt::kernel *kernel) { delete kernel; }

xrt::bo *sim_bo(xrt::device *device, std::size_t size, unsigned group) {
  return guarded<xrt::bo *>(nullptr, [&] { return new xrt::bo(*device, size, group); });
}
void *sim_map(xrt::bo *buffer) { return buffer->map<void *>(); }
int sim_sync(xrt::bo *buffer, int direction, std::size_t size, std::size_t offset) {
  return guarded([&] { buffer->sync(static_cast<xclBOSyncDirection>(direction), size, offset); });
}
void sim_free_bo(xrt::bo *buffer) { delete buffer; }

xrt::run *sim_run(xrt::kernel *kernel) { return new xrt::run(*kernel); }
int sim_set_buffer(xrt::run *run, int index, xrt::bo *buffer) {
  return guarded([&] { run->set_arg(index, *buffer); });
}
int sim_set_number(xrt::run *run, int index, unsigned value) {
  return guarded([&] { run->set_arg(index, value); });
}
int sim_start(xrt::run *run) {
  return guarded([&] { run->start(); });
}
int sim_wait(xrt::run *run) {
  return guarded(-1, [&] { return static_cast<int>(run->wait()); });
}
int sim_state(xrt::run *run) { return static_cast<int>(run->state()); }
void sim_free_run(xrt::run *run) { delete run; }
}
