/* A shell and an AXI DMA engine behind functions: it knows the vectors' results, and ends the program at every access
 * that the engine would not forgive. Offsets and bits are written out again, from PG021 and the documentation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "net_vectors.h"

#define DELAY 7 /* reads of its status before a direction is over */
#define MEMORY 4096

int fake_error, fake_other_design, fake_frame_error;

static struct {
    uint32_t control, status, low, high, length;
    int left;
} engine[2]; /* memory to stream, stream to memory */
static uint32_t core_control, frames_seen;
static struct {
    const unsigned char *address;
    size_t bytes;
} flushed[16];
static unsigned flushes;
static unsigned char written[MEMORY]; /* what the engine has written, which the processor must not see before it asks */
static unsigned char *sink;
static size_t sink_bytes;

static void check(int good, const char *what)
{
    if (!good) {
        printf("fake: %s\n", what);
        exit(3);
    }
}

void fake_flush(const void *address, size_t bytes)
{
    flushed[flushes % 16].address = address;
    flushed[flushes++ % 16].bytes = bytes;
}

void fake_invalidate(const void *address, size_t bytes)
{
    check(address == sink && bytes == sink_bytes, "other memory than the results is invalidated");
    memcpy(sink, written, bytes);
}

static int was_flushed(const unsigned char *address, size_t bytes)
{
    unsigned i;
    for (i = 0; i < 16; i++)
        if (flushed[i].address && flushed[i].address <= address &&
            address + bytes <= flushed[i].address + flushed[i].bytes)
            return 1;
    return 0;
}

static unsigned char *pointer(int way)
{
    return (unsigned char *)(uintptr_t)((uint64_t)engine[way].high << 32 | engine[way].low);
}

/* Both directions are started: the results are those of the vectors with the same inputs. */
static void run(void)
{
    const size_t in = NET_INPUT_ELEMENTS * sizeof(net_input_t), out = NET_OUTPUT_ELEMENTS * sizeof(net_output_t);
    const uint32_t frames = engine[0].length / NET_INPUT_STRIDE;
    uint32_t n, v;
    size_t i;

    check(engine[0].length % NET_INPUT_STRIDE == 0, "a transfer ends inside a frame");
    check(engine[1].length == frames * NET_OUTPUT_STRIDE, "the transfer of the results has another number of frames");
    check(engine[1].length <= MEMORY, "too many results for this test");
    sink = pointer(1);
    sink_bytes = engine[1].length;
    check(was_flushed(sink, sink_bytes), "dirty lines over the results");
    memset(written, 0, sizeof written);
    for (n = 0; n < frames; n++) {
        const unsigned char *frame = pointer(0) + n * NET_INPUT_STRIDE;
        for (v = 0; v < NET_VECTORS; v++)
            if (!memcmp(frame, net_vectors_in + v * NET_INPUT_ELEMENTS, in))
                break;
        check(v < NET_VECTORS, "a frame that is no vector");
        for (i = in; i < NET_INPUT_STRIDE; i++)
            check(frame[i] == 0, "the padding is not zero");
        memcpy(written + n * NET_OUTPUT_STRIDE, net_vectors_out + v * NET_OUTPUT_ELEMENTS, out);
    }
    frames_seen += frames;
    engine[0].left = DELAY;
    engine[1].left = 3 * DELAY;
}

uint32_t fake_read(uintptr_t address)
{
    const uintptr_t offset = address & 0xFFFF;
    int way = offset >= 0x30;

    if (address >= NET_CORE_BASE && address < NET_CORE_BASE + 0x10000)
        switch (offset) {
        case 0x00: return 0x4E4E5452;
        case 0x04: return 1;
        case 0x08: return NET_DESIGN_LOW ^ (fake_other_design ? 1 : 0);
        case 0x0C: return NET_DESIGN_HIGH;
        case 0x18: return 4u | (fake_frame_error ? 1u : 0u);
        case 0x24: return core_control;
        default: check(0, "a read of no register of the shell");
        }
    check(address >= NET_DMA_BASE && address < NET_DMA_BASE + 0x60, "a read of nothing");
    if (offset == 0x00 || offset == 0x30)
        return engine[way].control;
    check(offset == 0x04 || offset == 0x34, "a read of no register of the engine that counts");
    if (engine[way].left && !--engine[way].left) {
        if (fake_error && way == 0)
            engine[way].status |= 0x4041; /* halted, DECERR, error interrupt */
        else if (!fake_error)
            engine[way].status |= 0x1002; /* idle, complete */
    }
    return engine[way].status;
}

void fake_write(uintptr_t address, uint32_t value)
{
    const uintptr_t offset = address & 0xFFFF;
    const int way = offset >= 0x30;

    if (address == NET_CORE_BASE + 0x24) {
        core_control = value;
        return;
    }
    check(address >= NET_DMA_BASE && address < NET_DMA_BASE + 0x60, "a write to nothing");
    switch (offset - (way ? 0x30 : 0)) {
    case 0x00:
        if (value & 4) {
            check(core_control == 1, "the engine is reset while the shell is not");
            memset(engine, 0, sizeof engine);
            engine[0].status = engine[1].status = 1;
            return;
        }
        engine[way].control = value;
        engine[way].status &= ~1u;
        break;
    case 0x04: engine[way].status &= ~(value & 0x7000); break;
    case 0x18: engine[way].low = value; break;
    case 0x1C: engine[way].high = value; break;
    case 0x28:
        check(engine[way].control & 1, "a length for an engine that does not run");
        check(!(engine[way].status & 0x1000), "a start with the end of the transfer before");
        check(!engine[way].left, "a start while a transfer is under way");
        check(engine[way].low % 16 == 0 && value > 0 && value < 1u << 26, "an address or a length that it cannot have");
        check(core_control == 0, "a start during the reset");
        engine[way].length = value;
        if (way == 0) {
            check(was_flushed(pointer(0), value), "frames that are still in the caches");
            check(engine[1].length, "frames without a place for their results");
            run();
        }
        break;
    default: check(0, "a write to no register of the engine");
    }
}

int fake_interrupts(void)
{
    int way, pending = 0;

    for (way = 0; way < 2; way++) {
        (void)fake_read(NET_DMA_BASE + (way ? 0x34 : 0x04));
        pending |= (engine[way].status & engine[way].control & 0x5000) != 0;
    }
    return pending;
}
