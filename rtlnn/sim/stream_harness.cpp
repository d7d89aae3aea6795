// Drives a core with AXI4-Streams, cycle by cycle, from arrays in memory; called through ctypes (harness.py).
//
// A cycle: inputs are set with the clock low and the design settles; handshakes are sampled as the rising edge will
// see them; the clock rises. So no read races with a write, and cycle numbers are exact.

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "abi.h"
#include "design.h"

extern "C" {

// Words that wait at the port of the weights, if there is one.
struct Load {
    const uint64_t* words = nullptr;
    uint64_t count = 0, done = 0;
    bool offering = false;
};

struct Held {
    bool held = false;           // a beat waited in the last cycle
    uint32_t words[widest_output()] = {};
    uint8_t last = 0;
    bool was_valid = false;
};

struct Harness {
    VerilatedContext context;
    std::unique_ptr<TOP> top;
    Random random{0};
    std::string message;
    bool offering[inputs] = {};  // a beat waits at the input
    Held held[outputs];
    Load load;
};

const char* harness_message(const Harness* h) { return h->message.c_str(); }

}  // extern "C"

static void clock_cycle_end(Harness* h) {
    h->top->CLOCK = 1;
    h->top->eval();
}

template <typename Port> static void drive_garbage(Harness* h, Port) {
    uint32_t words[Port::words];
    for (auto& word : words) word = static_cast<uint32_t>(h->random.next() >> 16);
    words[Port::words - 1] &= low_mask(Port::bits - 32 * (Port::words - 1));
    store(Port::data(*h->top), words);
    Port::last(*h->top) = (words[0] >> 3) & 1;
    Port::valid(*h->top) = 0;
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

static void note(uint64_t& count, int64_t& first, uint64_t where) {
    if (count++ == 0) first = static_cast<int64_t>(where);
}

// Compare an output with the stream contract; called once a cycle, after settling.
template <typename Port> static void check_output(Harness* h, Held& held, Sink& s, Port, uint64_t cycle) {
    const bool valid = Port::valid(*h->top), ready = Port::ready(*h->top);
    if (held.held && !valid) note(s.dropped, s.first_dropped, cycle);
    if (!valid) {
        held.held = false;
        return;
    }
    uint32_t words[Port::words];
    fetch(Port::data(*h->top), words);
    const uint32_t* mask = s.masks + (s.done % s.pixel_beats) * Port::words;
    for (int i = 0; i < Port::words; ++i) words[i] &= mask[i];
    const uint8_t last = Port::last(*h->top);
    if (held.held && (last != held.last || std::memcmp(words, held.words, sizeof words) != 0))
        note(s.changed, s.first_changed, cycle);
    held.held = !ready;
    held.last = last;
    std::memcpy(held.words, words, sizeof words);
    if (!ready) return;
    if (s.done == s.beats) {
        note(s.excess, s.first_excess, cycle);
        return;
    }
    const bool expected = (s.done + 1) % s.frame_beats == 0;
    if (expected && !last) note(s.last_missing, s.first_last_missing, s.done);
    if (!expected && last) note(s.last_extra, s.first_last_extra, s.done);
    std::memcpy(s.words + s.done * Port::words, words, sizeof words);
    s.taken_cycle[s.done++] = static_cast<int64_t>(cycle);
}

// Whether the source's pace allows the next beat in this cycle.
static bool due(const Source& s, uint64_t cycle) {
    if (s.pace_beats == 0 || s.done == 0) return true;
    const auto at = [&](uint64_t beat) { return (beat * s.pace_cycles + s.pace_beats - 1) / s.pace_beats; };
    return cycle >= static_cast<uint64_t>(s.offered_cycle[s.done - 1]) + at(s.done) - at(s.done - 1);
}

// Offer the next beat of an input, or go on offering one, or none.
template <typename Port>
static void drive_input(Harness* h, bool& offering, Source& s, Port port, uint64_t cycle, bool begun) {
    if (offering) return;
    if (s.done < s.beats && (begun || !s.follows) && due(s, cycle) && !stalls(h->random, s.stalls)) {
        offering = true;
        s.offered_cycle[s.done] = static_cast<int64_t>(cycle);
        const uint64_t place = s.done % s.repeat;
        store(Port::data(*h->top), s.words + place * Port::words);
        Port::last(*h->top) = s.last[place];
        Port::valid(*h->top) = 1;
    } else {
        drive_garbage(h, port);
    }
}

static Status one_cycle(Harness* h, Stream* s) {
    bool finished = h->load.done == h->load.count, progress = false;
    for (int n = 0; n < inputs; ++n) finished = finished && s->sources[n].done == s->sources[n].beats;
    for (int n = 0; n < outputs; ++n) finished = finished && s->sinks[n].done == s->sinks[n].beats;
    if (finished && s->drained++ == s->drain) return DONE;
    bool begun = false;
    for (int n = 0; n < inputs; ++n) begun = begun || (!s->sources[n].follows && s->sources[n].done > 0);
    each_input([&](auto port, int n) { drive_input(h, h->offering[n], s->sources[n], port, s->cycle, begun); });
    drive_load(h, true);
    each_output([&](auto port, int n) {
        bool ready = !stalls(h->random, s->sinks[n].stalls);
        // a source that waits for ready hangs here
        if (s->sinks[n].stalls.mode == PATIENT) ready = ready && h->held[n].was_valid;
        port.ready(*h->top) = ready || finished;
    });
    h->top->CLOCK = 0;
    h->top->eval();
    each_output([&](auto port, int n) {
        const bool valid = port.valid(*h->top), ready = port.ready(*h->top);
        check_output(h, h->held[n], s->sinks[n], port, s->cycle);
        h->held[n].was_valid = valid && !ready;
        progress = progress || (valid && ready);
    });
    progress = take_load(h) || progress;
    each_input([&](auto port, int n) {
        if (!h->offering[n] || !port.ready(*h->top)) return;
        Source& source = s->sources[n];
        source.taken_cycle[source.done++] = static_cast<int64_t>(s->cycle);
        h->offering[n] = false;
        progress = true;
    });
#ifdef OUT_ERROR
    if (h->top->OUT_ERROR && s->error_cycle < 0) s->error_cycle = static_cast<int64_t>(s->cycle);
#endif
    clock_cycle_end(h);
    ++s->cycle;
    s->quiet = progress ? 0 : s->quiet + 1;
    return s->quiet > s->quiet_limit && !finished ? DEADLOCK : RUNNING;
}

extern "C" {

// A new instance of the design; memories are read from `memories` (a folder, with a slash at the end).
Harness* harness_open(const char* memories) {
    auto* h = new Harness;
    try {
        memory_folder = memories;
        h->top = std::make_unique<TOP>(&h->context, "");
        h->top->CLOCK = 0;
        each_input([&](auto port, int) { drive_garbage(h, port); });
        drive_load(h, false);
        each_output([&](auto port, int) { port.ready(*h->top) = 0; });
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
    for (auto& offering : h->offering) offering = false;
    for (auto& held : h->held) held.held = held.was_valid = false;
    try {
        for (uint64_t i = 0; i < cycles; ++i) {
            h->top->CLOCK = 0;
            h->top->RESET = RESET_ACTIVE;
            each_input([&](auto port, int) { drive_garbage(h, port); });
            drive_load(h, false);
            each_output([&](auto port, int) { port.ready(*h->top) = h->random.next() & 1; });
            h->top->eval();
            bool valid = false;
            each_output([&](auto port, int) { valid = valid || port.valid(*h->top); });
            if (i + 1 == cycles && valid) {
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
            each_input([&](auto port, int) { drive_garbage(h, port); });
            drive_load(h, true);
            each_output([&](auto port, int) { port.ready(*h->top) = h->random.next() & 1; });
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
