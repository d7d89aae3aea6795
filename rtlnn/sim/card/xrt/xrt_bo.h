// What the host program uses of XRT's native C++ API: buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "xrt/xrt_device.h"

enum xclBOSyncDirection { XCL_BO_SYNC_BO_TO_DEVICE = 0, XCL_BO_SYNC_BO_FROM_DEVICE = 1 };

namespace xrt {

using memory_group = std::uint32_t;

class bo {
public:
  bo() = default;
  bo(const device &device, std::size_t size, memory_group group);
  template <typename T> T map() { return reinterpret_cast<T>(host()); }
  void sync(xclBOSyncDirection direction, std::size_t size, std::size_t offset);
  void sync(xclBOSyncDirection direction) { sync(direction, size(), 0); }
  std::size_t size() const;
  std::uint64_t address() const;

  struct Buffer;
  const std::shared_ptr<Buffer> &get_handle() const { return handle; }

private:
  void *host() const;
  std::shared_ptr<Buffer> handle;
};

} // namespace xrt
