// What the host program uses of XRT's native C++ API: devices. The names and meanings are those of XRT's documentation
// ("XRT Native APIs"); behind them is a card in simulation.
#pragma once

#include <memory>
#include <string>

namespace card {
class Card;
}

namespace xrt {

class uuid {};

class device {
public:
  explicit device(unsigned int index);
  uuid load_xclbin(const std::string &file);

  const std::shared_ptr<card::Card> &get_handle() const { return handle; }

private:
  std::shared_ptr<card::Card> handle;
};

} // namespace xrt
