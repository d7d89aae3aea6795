// Runs the network on the card: the model's own inputs from a .npy file, its own outputs to another one.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "network.h"
#include "npy.h"
#include "parts.h"
#include "units.h"

namespace {

constexpr std::size_t slot_bytes = std::size_t{4} << 20; // of the larger buffer, if the user does not say otherwise
constexpr std::size_t most_frames = 1024;
constexpr double tolerance = 1e-5; // of the host's real numbers: its exp() is not NumPy's

struct Options {
  std::string xclbin, input, output, data = HOST_DATA;
  unsigned device = 0;
  std::size_t batch = 0, units = network::units.size(), repeat = 1;
  bool self_test = false;
};

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const char *const usage = "usage: host XCLBIN INPUT.npy OUTPUT.npy [options]\n"
                          "       host XCLBIN --self-test [options]\n"
                          "  --device N   which card (0)\n"
                          "  --units N    use so many compute units (all)\n"
                          "  --batch N    frames of a run (as many as 4 MiB hold, at most 1024)\n"
                          "  --repeat N   the self-test's frames so many times (1)\n"
                          "  --data DIR   the folder with the network's constants (beside the program's sources)\n";

Options parse(int argc, char **argv) {
  Options options;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string {
      if (++i == argc)
        throw UsageError(word + " needs a value");
      return argv[i];
    };
    const auto number = [&]() -> std::size_t {
      const std::string text = value();
      if (text.empty() || text.size() > 9 || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        throw UsageError(word + " needs a number, not " + text);
      return std::stoul(text);
    };
    if (word == "--self-test")
      options.self_test = true;
    else if (word == "--device")
      options.device = static_cast<unsigned>(number());
    else if (word == "--units")
      options.units = number();
    else if (word == "--batch")
      options.batch = number();
    else if (word == "--repeat")
      options.repeat = number();
    else if (word == "--data")
      options.data = value();
    else if (word.rfind("--", 0) == 0)
      throw UsageError("unknown option " + word);
    else
      files.push_back(word);
  }
  if (files.size() != (options.self_test ? 1U : 3U))
    throw UsageError(options.self_test ? "give the XCLBIN alone" : "give XCLBIN, INPUT and OUTPUT");
  if (options.units < 1 || options.units > network::units.size())
    throw UsageError("the design has " + std::to_string(network::units.size()) + " compute units");
  options.xclbin = files[0];
  if (!options.self_test) {
    options.input = files[1];
    options.output = files[2];
  }
  return options;
}

std::size_t product(const std::vector<std::size_t> &shape) {
  std::size_t size = 1;
  for (const std::size_t n : shape)
    size *= n;
  return size;
}

// The frames of an array of the model's own shape, with or without a dimension for frames in front.
std::size_t frames_of(const npy::Array &array, const std::vector<std::size_t> &shape) {
  if (array.shape == shape)
    return 1;
  if (array.shape.size() == shape.size() + 1 && std::equal(shape.begin(), shape.end(), array.shape.begin() + 1))
    return array.shape[0];
  std::string wanted = "(N";
  for (const std::size_t n : shape)
    wanted += ", " + std::to_string(n);
  throw std::runtime_error("the array's shape does not fit: the network takes " + wanted + ")");
}

class Program {
public:
  explicit Program(const Options &options) : options_(options) {
    units::Settings settings{network::kernel, {}, network::input, network::output, network::design, {}, options.batch,
                             network::whole, std::chrono::seconds(30)};
    settings.names.assign(network::units.begin(), network::units.begin() + static_cast<std::ptrdiff_t>(options.units));
    for (const std::string &name : network::stores)
      settings.stores.push_back(options.data + "/../../mem/" + name);
    const std::size_t frame = std::max(network::input.stride(), network::output.stride());
    if (settings.batch == 0)
      settings.batch = std::clamp(slot_bytes / frame, std::size_t{1}, most_frames);
    settings.batch = (settings.batch + network::whole - 1) / network::whole * network::whole;
    xrt::device device(options.device);
    const xrt::uuid xclbin = device.load_xclbin(options.xclbin);
    units_ = std::make_unique<units::Units>(device, xclbin, settings);
  }

  // The core's output for its input, with the rate.
  parts::Values core(const parts::Values &in) {
    const auto started = std::chrono::steady_clock::now();
    parts::Values out = units_->run(in);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    const std::size_t frames = in.size() / network::input.elements;
    std::printf("%zu frames in %.6f s: %.0f frames/s, %zu compute units\n", frames, taken.count(),
                static_cast<double>(frames) / taken.count(), options_.units);
    return out;
  }

  void run() {
    npy::Array array = npy::load(options_.input);
    const std::size_t frames = frames_of(array, network::input_shape);
    if (frames == 0)
      throw std::runtime_error(options_.input + " holds no frames");
    network::to_core(array.values, options_.data);
    array.values = core(array.values);
    network::from_core(array.values, options_.data);
    array.shape = network::output_shape;
    array.shape.insert(array.shape.begin(), frames);
    npy::save(options_.output, array, network::output_type);
  }

  // The shipped frames, again and again so that every slot of every unit is used, against the reference.
  bool self_test() {
    const std::string folder = options_.data + "/../self_test/";
    npy::Array input = npy::load(folder + "input.npy");
    const parts::Values core_input = npy::load(folder + "core_input.npy").values;
    const parts::Values core_output = npy::load(folder + "core_output.npy").values;
    const parts::Values output = npy::load(folder + "output.npy").values;
    network::to_core(input.values, options_.data);
    bool good = same("host, before the hardware", input.values, core_input, network::input.elements, 0);
    parts::Values frames, wanted;
    for (std::size_t i = 0; i < options_.repeat; ++i) {
      frames.insert(frames.end(), core_input.begin(), core_input.end());
      wanted.insert(wanted.end(), core_output.begin(), core_output.end());
    }
    good = same("hardware", core(frames), wanted, network::output.elements, 0) && good;
    parts::Values made = core_output;
    network::from_core(made, options_.data);
    good = same("host, after the hardware", made, output, product(network::output_shape), tolerance) && good;
    std::puts(good ? "self-test passed" : "self-test FAILED");
    return good;
  }

private:
  static bool same(const char *what, const parts::Values &got, const parts::Values &wanted, std::size_t frame,
                   double allowed) {
    if (got.size() != wanted.size()) {
      std::printf("%s: %zu values, not %zu\n", what, got.size(), wanted.size());
      return false;
    }
    std::size_t wrong = 0, first = 0;
    for (std::size_t i = got.size(); i-- > 0;)
      if (!(std::fabs(got[i] - wanted[i]) <= allowed * std::max(1.0, std::fabs(wanted[i])))) {
        ++wrong;
        first = i;
      }
    if (wrong > 0)
      std::printf("%s: %zu of %zu values are wrong; first: frame %zu, element %zu: got %g, expected %g\n", what, wrong,
                  got.size(), first / frame, first % frame, got[first], wanted[first]);
    else
      std::printf("%s: %zu values, all as expected\n", what, got.size());
    return wrong == 0;
  }

  Options options_;
  std::unique_ptr<units::Units> units_;
};

} // namespace

int main(int argc, char **argv) {
  try {
    const Options options = parse(argc, argv);
    Program program(options);
    if (options.self_test)
      return program.self_test() ? 0 : 1;
    program.run();
    return 0;
  } catch (const UsageError &error) {
    std::fprintf(stderr, "%s\n%s", error.what(), usage);
    return 2;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
