// Times of events in a timed event graph: see rtlnn/plan/times.py, which describes the arrays.

#include <cstdint>

namespace {

constexpr int64_t NEVER = -(int64_t(1) << 62);

struct Events;

struct Wait {
    const Events *source;
    int64_t delay, behind;
    int64_t advance, length, width;  // of the table; no table: width 0
    const int64_t *table, *delays;
    int64_t row, base;  // for the next occurrence: the table's row, and what to add to its entries
};

struct Events {
    int64_t *times;
    int64_t limit, count;
    Wait *first, *last;
    const Events *parked;  // the next occurrence waits for this one
    int64_t index;
};

bool park(Events &e, const Events *source, int64_t index) {
    e.parked = source;
    e.index = index;
    return false;
}

// The latest of what a row of the table says; whether all of it has come.
bool latest(Events &e, const Wait &w, int64_t &time) {
    for (int64_t entry = w.row * w.width; entry < (w.row + 1) * w.width; ++entry) {
        if (w.table[entry] == NEVER) continue;
        const int64_t index = w.base + w.table[entry];
        if (index < 0) continue;
        if (index >= w.source->count) return park(e, w.source, index);
        const int64_t other = w.source->times[index] + w.delay + (w.delays ? w.delays[entry] : 0);
        if (other > time) time = other;
    }
    return true;
}

// Find as many occurrences as can be; whether it was any.
bool proceed(Events &e) {
    // those without a table say at once how far it goes
    int64_t bound = e.limit;
    for (const Wait *w = e.first; w != e.last; ++w) {
        if (w->width || w->source == &e) continue;
        const int64_t known = w->source->count + w->behind;
        if (known < bound) {
            bound = known;
            park(e, w->source, w->source->count);
        }
    }
    if (bound == e.limit) park(e, &e, e.limit);
    const int64_t before = e.count;
    for (; e.count < bound; ++e.count) {
        int64_t time = 0;
        for (const Wait *w = e.first; w != e.last; ++w) {
            const int64_t index = e.count - w->behind;
            if (index < 0) continue;
            if (w->width) {
                if (!latest(e, *w, time)) return e.count > before;
            } else if (w->source->times[index] + w->delay > time) {
                time = w->source->times[index] + w->delay;
            }
        }
        e.times[e.count] = time;
        for (Wait *w = e.first; w != e.last; ++w) {
            if (w->width && e.count >= w->behind && ++w->row == w->length) {
                w->row = 0;
                w->base += w->advance;
            }
        }
    }
    return e.count > before;
}

}  // namespace

extern "C" void solve(Events *events, int64_t count) {
    for (bool progress = true; progress;) {
        progress = false;
        for (Events *e = events; e != events + count; ++e) {
            if (e->parked->count > e->index && proceed(*e)) progress = true;
        }
    }
}
