// Drives one AXI4-Stream core, cycle by cycle, from arrays in memory; called through ctypes (harness.py).
//
// A cycle: inputs are set with the clock low and the design settles; handshakes are sampled as the rising edge will
// see them; the clock rises. So no read races with a write, and cycle numbers are exact.
// `ports.h`, written for each build, names the top class and its ports.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

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

extern "C" {

enum Mode { BERNOULLI = 0, BURST = 1, PATIENT = 2 };

struct Stalls {       // harness.py: Stalls
    double probability;
    double burst;     // mean length of a burst, cycles
    int32_t mode;
    int32_t stalled;  // state of the burst generator
};

struct Stream {       // harness_abi.py: the same, field by field
    const uint32_t* in_words;
    const uint8_t* in_last;
    uint64_t in_beats;
    uint32_t* out_words;
    uint64_t out_beats;        // beats expected
    uint64_t out_frame_beats;
    uint64_t out_pixel_beats;
    const uint32_t* out_masks;  // [out_pixel_beats][OUT_WORDS]: valid lanes
    int64_t* offered_cycle;     // per input beat: tvalid first high
    int64_t* in_cycle;          // per input beat: handshake
    int64_t* out_cycle;         // per output beat: handshake
    Stalls source, sink;
    uint64_t quiet_limit;       // cycles without any handshake: deadlock
    uint64_t drain;             // cycles to watch after the last beat
    // results
    uint64_t cycle, in_done, out_done, quiet, drained;
    uint64_t dropped, changed, last_missing, last_extra, excess;  // contract violations, counted
    int64_t first_dropped, first_changed, first_last_missing, first_last_extra, first_excess;  // output beat or cycle
    int64_t error_cycle;        // first cycle with the error port high, or -1
};

enum Status { RUNNING = 0, DONE = 1, DEADLOCK = 2, FAILED = 3 };

// Words that wait at the port of the weights, if there is one.
struct Load {
    const uint64_t* words = nullptr;
    uint64_t count = 0, done = 0;
    bool offering = false;
};

struct Harness {
    VerilatedContext context;
    std::unique_ptr<TOP> top;
    Random random{0};
    std::string message;
    bool offering = false;       // a beat waits at the input
    bool held = false;           // a beat waited at the output in the last cycle
    uint32_t held_words[OUT_WORDS] = {};
    uint8_t held_last = 0;
    bool was_valid = false;
    Load load;
};

const char* harness_message(const Harness* h) { return h->message.c_str(); }

static void clock_cycle_end(Harness* h) {
    h->top->CLOCK = 1;
    h->top->eval();
}

static void drive_garbage(Harness* h) {
    uint32_t words[IN_WORDS];
    for (auto& word : words) word = static_cast<uint32_t>(h->random.next() >> 16);
    words[IN_WORDS - 1] &= low_mask(IN_WIDTH - 32 * (IN_WORDS - 1));
    store(h->top->IN_DATA, words);
    h->top->IN_LAST = (words[0] >> 3) & 1;
    h->top->IN_VALID = 0;
}

// Offer the next word, after a pause now and then, or nothing in a reset.
static void drive_load([[maybe_unused]] Harness* h, [[maybe_unused]] bool active) {
#ifdef LOAD_DATA
    Load& l = h->load;
    l.offering = active && l.done < l.count && (l.offering || !h->random.chance(0.125));
    h->top->LOAD_DATA = l.offering ? l.words[l.done] : h->random.next();
    h->top->LOAD_LAST = l.offering ? l.done + 1 == l.count : h->random.next() & 1;
    h->top->LOAD_VALID = l.offering;
#endif
}

// Whether a word was taken; after settling.
static bool take_load([[maybe_unused]] Harness* h) {
#ifdef LOAD_DATA
    if (h->load.offering && h->top->LOAD_READY) {
        ++h->load.done;
        h->load.offering = false;
        return true;
    }
#endif
    return false;
}

static bool stalls(Random& random, Stalls& s) {
    if (s.mode != BURST) return random.chance(s.probability);
    // two-state Markov chain whose share of stalled cycles is `probability`
    const double enter = s.probability < 1 ? s.probability / (1 - s.probability) / s.burst : 1;
    s.stalled = s.stalled ? !random.chance(1 / s.burst) : random.chance(enter);
    return s.stalled;
}

// A new instance of the design; memories are read from `memories` (a folder, with a slash at the end).
Harness* harness_open(const char* memories) {
    auto* h = new Harness;
    try {
        memory_folder = memories;
        h->top = std::make_unique<TOP>(&h->context, "");
        h->top->CLOCK = 0;
        drive_garbage(h);
        drive_load(h, false);
        h->top->OUT_READY = 0;
        h->top->RESET = RESET_ACTIVE;
        h->top->eval();  // runs the initial blocks
    } catch (const std::exception& error) {
        h->message = error.what();
    }
    return h;
}

void harness_close(Harness* h) { delete h; }

// Hold reset for `cycles`; returns 0 if tvalid was low by its last cycle (AXI4-Stream requires it), else FAILED.
int harness_reset(Harness* h, uint64_t cycles, uint64_t seed) {
    h->random = Random(seed);
    h->offering = h->held = h->was_valid = false;
    try {
        for (uint64_t i = 0; i < cycles; ++i) {
            h->top->CLOCK = 0;
            h->top->RESET = RESET_ACTIVE;
            drive_garbage(h);
            drive_load(h, false);
            h->top->OUT_READY = h->random.next() & 1;
            h->top->eval();
            if (i + 1 == cycles && h->top->OUT_VALID) {
                h->message = "tvalid of the output is high during reset";
                return FAILED;
            }
            clock_cycle_end(h);
        }
        h->top->RESET = !RESET_ACTIVE;
    } catch (const std::exception& error) {
        h->message = error.what();
        return FAILED;
    }
    return RUNNING;
}

// Words to send to the port of the weights while the streams run.
void harness_offer(Harness* h, const uint64_t* words, uint64_t count) { h->load = Load{words, count, 0, false}; }

// The same, all of them at once. DEADLOCK if none is taken for `quiet_limit` cycles.
int harness_load(Harness* h, const uint64_t* words, uint64_t count, uint64_t quiet_limit) {
    harness_offer(h, words, count);
    try {
        for (uint64_t quiet = 0; h->load.done < count; ++quiet) {
            if (quiet > quiet_limit) return DEADLOCK;
            drive_garbage(h);
            drive_load(h, true);
            h->top->OUT_READY = h->random.next() & 1;
            h->top->CLOCK = 0;
            h->top->eval();
            if (take_load(h)) quiet = 0;
            clock_cycle_end(h);
        }
    } catch (const std::exception& error) {
        h->message = error.what();
        return FAILED;
    }
    return DONE;
}

static void note(uint64_t& count, int64_t& first, uint64_t where) {
    if (count++ == 0) first = static_cast<int64_t>(where);
}

// Compare the output with the stream contract; called once a cycle, after settling.
static void check_output(Harness* h, Stream* s, bool valid, bool ready) {
    if (h->held && !valid) note(s->dropped, s->first_dropped, s->cycle);
    if (!valid) {
        h->held = false;
        return;
    }
    uint32_t words[OUT_WORDS];
    fetch(h->top->OUT_DATA, words);
    const uint32_t* mask = s->out_masks + (s->out_done % s->out_pixel_beats) * OUT_WORDS;
    for (int i = 0; i < OUT_WORDS; ++i) words[i] &= mask[i];
    const uint8_t last = h->top->OUT_LAST;
    if (h->held && (last != h->held_last || std::memcmp(words, h->held_words, sizeof words) != 0))
        note(s->changed, s->first_changed, s->cycle);
    h->held = !ready;
    h->held_last = last;
    std::memcpy(h->held_words, words, sizeof words);
    if (!ready) return;
    if (s->out_done == s->out_beats) {
        note(s->excess, s->first_excess, s->cycle);
        return;
    }
    const bool expected = (s->out_done + 1) % s->out_frame_beats == 0;
    if (expected && !last) note(s->last_missing, s->first_last_missing, s->out_done);
    if (!expected && last) note(s->last_extra, s->first_last_extra, s->out_done);
    std::memcpy(s->out_words + s->out_done * OUT_WORDS, words, sizeof words);
    s->out_cycle[s->out_done++] = static_cast<int64_t>(s->cycle);
}

static Status one_cycle(Harness* h, Stream* s) {
    const bool finished = s->in_done == s->in_beats && s->out_done == s->out_beats
                          && h->load.done == h->load.count;
    if (finished && s->drained++ == s->drain) return DONE;
    if (!h->offering) {
        if (s->in_done < s->in_beats && !stalls(h->random, s->source)) {
            h->offering = true;
            s->offered_cycle[s->in_done] = static_cast<int64_t>(s->cycle);
            store(h->top->IN_DATA, s->in_words + s->in_done * IN_WORDS);
            h->top->IN_LAST = s->in_last[s->in_done];
            h->top->IN_VALID = 1;
        } else {
            drive_garbage(h);
        }
    }
    drive_load(h, true);
    bool ready = !stalls(h->random, s->sink);
    if (s->sink.mode == PATIENT) ready = ready && h->was_valid;  // a source that waits for ready hangs here
    if (finished) ready = true;
    h->top->OUT_READY = ready;
    h->top->CLOCK = 0;
    h->top->eval();

    const bool valid = h->top->OUT_VALID;
    const bool accepted = h->offering && h->top->IN_READY;
    const bool loaded = take_load(h);
    check_output(h, s, valid, ready);
    h->was_valid = valid && !ready;
    if (accepted) {
        s->in_cycle[s->in_done++] = static_cast<int64_t>(s->cycle);
        h->offering = false;
    }
#ifdef OUT_ERROR
    if (h->top->OUT_ERROR && s->error_cycle < 0) s->error_cycle = static_cast<int64_t>(s->cycle);
#endif
    clock_cycle_end(h);
    ++s->cycle;
    s->quiet = accepted || loaded || (valid && ready) ? 0 : s->quiet + 1;
    return s->quiet > s->quiet_limit && !finished ? DEADLOCK : RUNNING;
}

// Run for at most `cycles` more cycles.
int harness_run(Harness* h, Stream* s, uint64_t cycles) {
    try {
        Status status = RUNNING;
        while (cycles-- && status == RUNNING) status = one_cycle(h, s);
        return status;
    } catch (const std::exception& error) {
        h->message = error.what();
        return FAILED;
    }
}

}  // extern "C"
