// What the host program uses of XRT's native C++ API: kernels and their runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "xrt/xrt_bo.h"
#include "xrt/xrt_device.h"

enum ert_cmd_state {
  ERT_CMD_STATE_NEW = 1,
  ERT_CMD_STATE_QUEUED = 2,
  ERT_CMD_STATE_RUNNING = 3,
  ERT_CMD_STATE_COMPLETED = 4,
  ERT_CMD_STATE_ERROR = 5,
  ERT_CMD_STATE_ABORT = 6,
  ERT_CMD_STATE_SUBMITTED = 7,
  ERT_CMD_STATE_TIMEOUT = 8,
  ERT_CMD_STATE_NORESPONSE = 9
};

namespace xrt {

class kernel {
public:
  enum class cu_access_mode : std::uint8_t { exclusive = 0, shared = 1, none = 2 };

  kernel() = default;
  kernel(const device &device, const uuid &xclbin, const std::string &name,
         cu_access_mode mode = cu_access_mode::shared);
  int group_id(int argument) const;
  std::uint32_t read_register(std::uint32_t offset) const;
  void write_register(std::uint32_t offset, std::uint32_t data);

  struct Unit;
  const std::shared_ptr<Unit> &get_handle() const { return handle; }

private:
  std::shared_ptr<Unit> handle;
};

class run {
public:
  run() = default;
  explicit run(const kernel &kernel);
  void set_arg(int index, const bo &buffer);
  void set_arg(int index, std::uint32_t value);
  void start();
  ert_cmd_state wait(const std::chrono::milliseconds &timeout = std::chrono::milliseconds{0}) const;
  ert_cmd_state state() const;

  struct Command;

private:
  std::shared_ptr<Command> handle;
};

} // namespace xrt
