/* The driver against the fake board: every way to use it, and to misuse it. */
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "net_vectors.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("line %d: " #condition "\n", __LINE__); \
            return 1; \
        } \
    } while (0)
#define FRAMES (2 * NET_VECTORS)

static unsigned char in[FRAMES * NET_INPUT_STRIDE] __attribute__((aligned(64)));
static unsigned char out[FRAMES * NET_OUTPUT_STRIDE] __attribute__((aligned(64)));
static net_output_t results[FRAMES * NET_OUTPUT_ELEMENTS];

static int right(void)
{
    net_unpack(results, out, FRAMES);
    return !memcmp(results, net_vectors_out, sizeof net_vectors_out) &&
           !memcmp(results + NET_VECTORS * NET_OUTPUT_ELEMENTS, net_vectors_out, sizeof net_vectors_out);
}

int main(void)
{
    net_device d;
    int i, handled = 0, result;

    fake_other_design = 1;
    CHECK(net_open(&d, NET_CORE_BASE, NET_DMA_BASE, 0) == NET_E_DESIGN);
    fake_other_design = 0;
    CHECK(net_open(&d, NET_CORE_BASE, NET_DMA_BASE, 0) == NET_OK);
    net_pack(in, net_vectors_in, NET_VECTORS);
    net_pack(in + NET_VECTORS * NET_INPUT_STRIDE, net_vectors_in, NET_VECTORS);

    /* polling, several times */
    for (i = 0; i < 3; i++) {
        memset(out, 0x55, sizeof out);
        CHECK(net_start(&d, in, out, FRAMES) == NET_OK);
        CHECK(net_start(&d, in, out, FRAMES) == NET_E_STATE);
        CHECK(net_wait(&d, 2) == NET_E_TIMEOUT);
        CHECK(net_wait(&d, 1000) == NET_OK);
        CHECK(net_poll(&d) == NET_OK);
        CHECK(right());
    }
    /* interrupts: level, so that the handler is called until none is pending */
    for (i = 0; i < 2; i++) {
        memset(out, 0x55, sizeof out);
        CHECK(net_start(&d, in, out, FRAMES) == NET_OK);
        for (result = 0; result < 1000 && d.result == NET_BUSY; result++)
            if (fake_interrupts()) {
                handled++;
                (void)net_interrupt(&d);
            }
        CHECK(d.result == NET_OK && !fake_interrupts());
        CHECK(right());
    }
    CHECK(handled == 4); /* one for each direction */

    CHECK(net_start(&d, in, out, 0) == NET_E_ARGUMENT);
    CHECK(net_start(&d, in, out, NET_MOST_FRAMES + 1) == NET_E_ARGUMENT);
    CHECK(net_start(&d, in + 1, out, 1) == NET_E_ARGUMENT);
    CHECK(net_start(&d, in, out + 8, 1) == NET_E_ARGUMENT);
    CHECK(net_load_weights(&d, in, 8) == NET_E_ARGUMENT);

    /* memory that answers with an error, then a reset, then a good run */
    fake_error = 1;
    CHECK(net_start(&d, in, out, FRAMES) == NET_OK);
    CHECK(net_wait(&d, 1000) == NET_E_MEMORY);
    fake_error = 0;
    CHECK(net_reset(&d) == NET_OK);
    CHECK(net_start(&d, in, out, FRAMES) == NET_OK);
    CHECK(net_wait(&d, 1000) == NET_OK && right());
    fake_frame_error = 1;
    CHECK(net_start(&d, in, out, FRAMES) == NET_OK);
    CHECK(net_wait(&d, 1000) == NET_E_FRAMES);

    /* numbers: rounding to the nearest, halves to the even one */
    for (i = NET_INPUT_LOW; i <= NET_INPUT_HIGH; i++)
        CHECK(net_quantize(NET_INPUT_SCALE * (float)(i - (NET_INPUT_ZERO))) == i);
    CHECK(net_quantize(1e30f) == NET_INPUT_HIGH && net_quantize(-1e30f) == NET_INPUT_LOW);
    CHECK(net_dequantize((net_output_t)(NET_OUTPUT_ZERO + 1)) == NET_OUTPUT_SCALE);
    printf("good\n");
    return 0;
}
