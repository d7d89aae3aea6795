// What Python hands over and gets back (harness_abi.py: the same, field by field).

#pragma once

#include <cstdint>

enum Mode { BERNOULLI = 0, BURST = 1, PATIENT = 2 };

struct Stalls {       // harness.py: Stalls
    double probability;
    double burst;     // mean length of a burst, cycles
    int32_t mode;
    int32_t stalled;  // state of the burst generator
};

struct Source {       // harness_abi.py: the same, field by field
    const uint32_t* words;
    const uint8_t* last;
    uint64_t beats;
    int64_t* offered_cycle;  // per beat: tvalid first high
    int64_t* taken_cycle;    // per beat: handshake
    Stalls stalls;
    uint64_t done;
    uint64_t repeat;         // words and last repeat after so many beats
    uint64_t pace_beats, pace_cycles;  // at most so many beats in so many cycles; 0 beats: any
    int32_t follows;         // only from the cycle behind the first handshake at another input on
};

struct Sink {
    uint32_t* words;
    uint64_t beats;          // beats expected
    uint64_t frame_beats;
    uint64_t pixel_beats;
    const uint32_t* masks;   // [pixel_beats][words]: valid lanes
    int64_t* taken_cycle;    // per beat: handshake
    Stalls stalls;
    uint64_t done;
    uint64_t dropped, changed, last_missing, last_extra, excess;  // contract violations, counted
    int64_t first_dropped, first_changed, first_last_missing, first_last_extra, first_excess;  // beat or cycle
};

struct Stream {
    Source* sources;            // of every input
    Sink* sinks;                // of every output
    uint64_t quiet_limit;       // cycles without any handshake: deadlock
    uint64_t drain;             // cycles to watch after the last beat
    // results
    uint64_t cycle, quiet, drained;
    int64_t error_cycle;        // first cycle with the error port high, or -1
};

enum Status { RUNNING = 0, DONE = 1, DEADLOCK = 2, FAILED = 3 };
