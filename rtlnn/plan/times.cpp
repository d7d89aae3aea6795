// Times of events in a timed event graph: see rtlnn/plan/times.py, which describes the arrays.

#include <cstdint>

namespace {

constexpr int64_t NEVER = -(int64_t(1) << 62);

struct Wait {
    int64_t source, delay, behind;
    int64_t advance, length, width;  // of the table; no table: width 0
    const int64_t *table, *delays;
    int64_t place, base;  // of the next occurrence: its row of the table, and what to add
};

struct Events {
    int64_t *times;
    int64_t limit, first, last;  // waits[first..last)
    int64_t count;
    int64_t source, index;  // the occurrence without which there is nothing to do
};

// Whether the next occurrence of `e` has a time; if so, it is kept.
bool step(Events *all, Events &e, Wait *waits) {
    int64_t time = 0;
    for (int64_t n = e.first; n < e.last; ++n) {
        const Wait &w = waits[n];
        if (e.count < w.behind) continue;
        const Events &source = all[w.source];
        const int64_t terms = w.width ? w.width : 1;
        for (int64_t k = 0; k < terms; ++k) {
            int64_t index = e.count - w.behind, delay = w.delay;
            if (w.width) {
                const int64_t entry = w.place * w.width + k;
                if (w.table[entry] == NEVER) continue;
                index = w.base + w.table[entry];
                if (w.delays) delay += w.delays[entry];
            }
            if (index < 0) continue;
            if (index >= source.count) {
                e.source = w.source;
                e.index = index;
                return false;
            }
            const int64_t other = source.times[index] + delay;
            if (other > time) time = other;
        }
    }
    for (int64_t n = e.first; n < e.last; ++n) {
        Wait &w = waits[n];
        if (w.width && e.count >= w.behind && ++w.place == w.length) {
            w.place = 0;
            w.base += w.advance;
        }
    }
    e.times[e.count++] = time;
    return true;
}

}  // namespace

extern "C" void solve(Events *events, int64_t count, Wait *waits) {
    for (bool progress = true; progress;) {
        progress = false;
        for (int64_t n = 0; n < count; ++n) {
            Events &e = events[n];
            if (events[e.source].count <= e.index) continue;
            while (e.count < e.limit && step(events, e, waits)) progress = true;
            if (e.count == e.limit) e.source = n, e.index = e.limit;
        }
    }
}
