// NumPy's array files (.npy, format 1.0 to 3.0), C order, numbers only. Values become double, which holds every
// integer of up to 53 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace npy {

struct Array {
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

namespace detail {

template <typename T> void convert(const std::vector<char> &bytes, std::vector<double> &values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
}

template <typename T> void write(std::ostream &out, const std::vector<double> &values) {
  for (const double each : values) {
    const T value = static_cast<T>(each);
    out.write(reinterpret_cast<const char *>(&value), sizeof(T));
  }
}

// What stands behind 'key': in the header, which is a Python dictionary.
inline std::string entry(const std::string &header, const std::string &key) {
  const auto place = header.find("'" + key + "':");
  if (place == std::string::npos)
    throw std::runtime_error("the header lacks " + key);
  const auto first = header.find_first_not_of(' ', place + key.size() + 3);
  const bool tuple = header.at(first) == '(';
  const auto last = header.find(tuple ? ')' : ',', first);
  return header.substr(first, last - first + (tuple ? 1 : 0));
}

} // namespace detail

inline Array load(const std::string &path) try {
  std::ifstream in(path, std::ios::binary);
  char start[8]{};
  if (!in.read(start, sizeof(start)) || std::memcmp(start, "\x93NUMPY", 6) != 0)
    throw std::runtime_error("it cannot be read, or is no NumPy array file");
  unsigned char size[4]{};
  in.read(reinterpret_cast<char *>(size), start[6] == 1 ? 2 : 4);
  std::string header(size[0] | size[1] << 8 | size[2] << 16 | static_cast<std::size_t>(size[3]) << 24, ' ');
  in.read(header.data(), static_cast<std::streamsize>(header.size()));
  if (detail::entry(header, "fortran_order") != "False")
    throw std::runtime_error("it is in Fortran order; save it in C order");
  Array array;
  std::string dimensions = detail::entry(header, "shape");
  for (char &c : dimensions)
    if (c < '0' || c > '9')
      c = ' ';
  std::istringstream numbers(dimensions);
  for (std::size_t n = 0; numbers >> n;)
    array.shape.push_back(n);
  array.values.resize(
      std::accumulate(array.shape.begin(), array.shape.end(), std::size_t{1}, std::multiplies<std::size_t>()));
  const std::string type = detail::entry(header, "descr");
  const std::string kind = type.size() == 5 && (type[1] == '<' || type[1] == '|') ? type.substr(2, 2) : "";
  const std::size_t bytes = kind.empty() ? 0 : static_cast<std::size_t>(kind[1] - '0');
  std::vector<char> data(array.values.size() * bytes);
  if (!in.read(data.data(), static_cast<std::streamsize>(data.size())))
    throw std::runtime_error("it is shorter than its header says");
  if (kind == "f8")
    detail::convert<double>(data, array.values);
  else if (kind == "f4")
    detail::convert<float>(data, array.values);
  else if (kind == "i1")
    detail::convert<std::int8_t>(data, array.values);
  else if (kind == "u1")
    detail::convert<std::uint8_t>(data, array.values);
  else if (kind == "i2")
    detail::convert<std::int16_t>(data, array.values);
  else if (kind == "u2")
    detail::convert<std::uint16_t>(data, array.values);
  else if (kind == "i4")
    detail::convert<std::int32_t>(data, array.values);
  else if (kind == "u4")
    detail::convert<std::uint32_t>(data, array.values);
  else if (kind == "i8")
    detail::convert<std::int64_t>(data, array.values);
  else
    throw std::runtime_error("it holds elements of type " + type + "; save integers or real numbers, little-endian");
  return array;
} catch (const std::exception &error) {
  throw std::runtime_error(path + ": " + error.what());
}

// `type` is NumPy's name of the element type.
inline void save(const std::string &path, const Array &array, const std::string &type) {
  std::string kind;
  std::ostringstream data;
  const auto as = [&](const char *name, auto zero) {
    kind = name;
    detail::write<decltype(zero)>(data, array.values);
  };
  if (type == "float64")
    as("<f8", double{});
  else if (type == "float32")
    as("<f4", float{});
  else if (type == "int8")
    as("|i1", std::int8_t{});
  else if (type == "uint8")
    as("|u1", std::uint8_t{});
  else if (type == "int16")
    as("<i2", std::int16_t{});
  else if (type == "uint16")
    as("<u2", std::uint16_t{});
  else if (type == "int32")
    as("<i4", std::int32_t{});
  else if (type == "uint32")
    as("<u4", std::uint32_t{});
  else if (type == "int64")
    as("<i8", std::int64_t{});
  else
    throw std::runtime_error(path + ": cannot write elements of type " + type);
  std::string shape;
  for (const std::size_t n : array.shape)
    shape += std::to_string(n) + ",";
  std::string header = "{'descr': '" + kind + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::ofstream out(path, std::ios::binary);
  out << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(header.size() & 0xFF)
      << static_cast<char>(header.size() >> 8) << header << data.str();
  if (!out.flush())
    throw std::runtime_error(path + ": cannot be written");
}

} // namespace npy
