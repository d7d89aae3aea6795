// What the host does before and after the hardware: the same operations, in the same precision, as the reference.
// Values of all frames stand one after the other, each frame in the order height, width, channels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "npy.h"

namespace parts {

using Values = std::vector<double>;

enum class Rounding { half_even, half_up, half_down, floor, ceiling, to_zero, from_zero };

inline float rounded(float x, Rounding mode) {
  const float magnitude = std::fabs(x), sign = x < 0 ? -1.0F : 1.0F;
  switch (mode) {
  case Rounding::half_even:
    return std::nearbyint(x);
  case Rounding::half_up:
    return sign * std::floor(magnitude + 0.5F);
  case Rounding::half_down:
    return sign * std::ceil(magnitude - 0.5F);
  case Rounding::floor:
    return std::floor(x);
  case Rounding::ceiling:
    return std::ceil(x);
  case Rounding::to_zero:
    return std::trunc(x);
  case Rounding::from_zero:
    return sign * std::ceil(magnitude);
  }
  throw std::logic_error("unknown rounding");
}

// x * scale + shift, by channel.
inline void affine(Values &x, const Values &scale, const Values &shift) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double product = x[i] * scale[i % scale.size()];
    x[i] = product + shift[i % shift.size()];
  }
}

inline void clip(Values &x, double lo, double hi) {
  for (double &each : x)
    each = std::clamp(each, lo, hi);
}

inline void quantize(Values &x, const Values &scale, double zero_point, double lo, double hi, Rounding mode) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float scaled = static_cast<float>(x[i]) / static_cast<float>(scale[i % scale.size()]);
    x[i] = std::clamp(static_cast<double>(rounded(scaled, mode)) + zero_point, lo, hi);
  }
}

inline void dequantize(Values &x, const Values &scale, double zero_point) {
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(x[i] - zero_point) * static_cast<float>(scale[i % scale.size()]);
}

inline void softmax(Values &x, std::size_t channels, bool log) {
  for (std::size_t first = 0; first < x.size(); first += channels) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(first), end = begin + static_cast<std::ptrdiff_t>(channels);
    const double most = *std::max_element(begin, end);
    double sum = 0;
    for (auto i = begin; i != end; ++i)
      sum += std::exp(*i - most);
    for (auto i = begin; i != end; ++i)
      *i = log ? *i - most - std::log(sum) : std::exp(*i - most) / sum;
  }
}

// Element i of each result frame is element places[i] of the frame of `size` elements; `fill` where that is -1.
inline void gather(Values &x, std::size_t size, const Values &places, double fill = 0) {
  Values result(x.size() / size * places.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double place = places[i % places.size()];
    result[i] = place < 0 ? fill : x[i / places.size() * size + static_cast<std::size_t>(place)];
  }
  x = std::move(result);
}

// Element i of each frame goes to places[i].
inline void scatter(Values &x, const Values &places) {
  Values result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    result[i / places.size() * places.size() + static_cast<std::size_t>(places[i % places.size()])] = x[i];
  x = std::move(result);
}

inline void expect_finite(const Values &x) {
  if (!std::all_of(x.begin(), x.end(), [](double each) { return std::isfinite(each); }))
    throw std::runtime_error("the input holds NaN or infinity");
}

inline void expect_integers(const Values &x, double lo, double hi) {
  if (!std::all_of(x.begin(), x.end(), [=](double v) { return v >= lo && v <= hi && v == std::nearbyint(v); }))
    throw std::runtime_error("the input holds values that are not integers from " + std::to_string(lo) + " to " +
                             std::to_string(hi));
}

// A constant of the network, from the folder `data` beside the program's sources.
inline Values constant(const std::string &folder, const std::string &name) {
  return npy::load(folder + "/" + name + ".npy").values;
}

} // namespace parts
