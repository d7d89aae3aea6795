// The design as the harness sees it: its streams, its memory files, and what it says when it stops.
//
// `ports.h`, written for each build, names the top class and lists its ports: INPUTS(X) and OUTPUTS(X) apply X to
// (number, tdata, tvalid, tready, tlast, bits) of each stream.

#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "ports.h"
#include "verilated.h"

namespace {

thread_local std::string memory_folder;  // where the design's memory files are
thread_local std::string missing_file;

// xorshift64*, as in S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016).
struct Random {
    uint64_t state;
    explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15ull + 0x1234567ull) { state |= 1; }
    uint64_t next() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return state * 0x2545F4914F6CDD1Dull;
    }
    bool chance(double p) { return p > 0 && double(next() >> 11) * 0x1.0p-53 < p; }
};

uint32_t low_mask(int bits) { return bits >= 32 ? ~0u : (1u << bits) - 1; }

// tdata is an integer of 8 to 64 bits or a VlWide of 32-bit words.
template <typename T> void store(T& port, const uint32_t* words) {
    if constexpr (sizeof(T) > 4) port = words[0] | (uint64_t(words[1]) << 32);
    else port = static_cast<T>(words[0]);
}
template <std::size_t N> void store(VlWide<N>& port, const uint32_t* words) {
    for (std::size_t i = 0; i < N; ++i) port[i] = words[i];
}
template <typename T> void fetch(const T& port, uint32_t* words) {
    words[0] = static_cast<uint32_t>(port);
    if constexpr (sizeof(T) > 4) words[1] = static_cast<uint32_t>(uint64_t(port) >> 32);
}
template <std::size_t N> void fetch(const VlWide<N>& port, uint32_t* words) {
    for (std::size_t i = 0; i < N; ++i) words[i] = port[i];
}

// What is known of each stream when it is compiled.
template <int N> struct Input;
template <int N> struct Output;
#define PORT(KIND, NUMBER, DATA, VALID, READY, LAST, BITS)                  \
    template <> struct KIND<NUMBER> {                                       \
        static constexpr int bits = BITS, words = (BITS + 31) / 32;         \
        static auto& data(TOP& top) { return top.DATA; }                    \
        static auto& valid(TOP& top) { return top.VALID; }                  \
        static auto& ready(TOP& top) { return top.READY; }                  \
        static auto& last(TOP& top) { return top.LAST; }                    \
    };
#define INPUT(...) PORT(Input, __VA_ARGS__)
#define OUTPUT(...) PORT(Output, __VA_ARGS__)
INPUTS(INPUT)
OUTPUTS(OUTPUT)
#define ONE(...) +1
constexpr int inputs = 0 INPUTS(ONE), outputs = 0 OUTPUTS(ONE);

template <template <int> class Port, typename F, int... N> void each_of(F&& f, std::integer_sequence<int, N...>) {
    (f(Port<N>{}, N), ...);
}
// f(Input<n>{}, n) for all inputs; the same for outputs.
template <typename F> void each_input(F&& f) { each_of<Input>(f, std::make_integer_sequence<int, inputs>{}); }
template <typename F> void each_output(F&& f) { each_of<Output>(f, std::make_integer_sequence<int, outputs>{}); }

constexpr int widest_output() {
    int words = 0;
#define WIDEST(NUMBER, ...) words = Output<NUMBER>::words > words ? Output<NUMBER>::words : words;
    OUTPUTS(WIDEST)
    return words;
}

}  // namespace

// The design opens its memory files under a placeholder folder, so that one build serves any folder (see harness.py).
extern "C" {
FILE* __real_fopen(const char* name, const char* mode);
FILE* __wrap_fopen(const char* name, const char* mode) {
    const std::size_t length = std::strlen(MEMORY_PLACEHOLDER);
    if (std::strncmp(name, MEMORY_PLACEHOLDER, length) != 0) return __real_fopen(name, mode);
    return __real_fopen((memory_folder + (name + length)).c_str(), mode);
}
FILE* __wrap_fopen64(const char* name, const char* mode) { return __wrap_fopen(name, mode); }
}

// Verilator's own versions print and end the process. All are errors here: a missing memory file is only a warning there.
void vl_fatal(const char* file, int line, const char*, const char* message) {
    const std::string where = line ? ":" + std::to_string(line) : "";
    throw std::runtime_error(std::string(message) + " (" + file + where + ")");
}
void vl_warn(const char* file, int line, const char* scope, const char* message) { vl_fatal(file, line, scope, message); }
void vl_stop(const char* file, int line, const char* scope) { vl_fatal(file, line, scope, "$stop"); }
void vl_finish(const char* file, int line, const char* scope) { vl_fatal(file, line, scope, "$finish"); }
