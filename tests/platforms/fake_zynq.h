/* Registers and caches of a board that is not there; `NET` and `net` become the design's name. */
#include <stddef.h>
#include <stdint.h>
uint32_t fake_read(uintptr_t address);
void fake_write(uintptr_t address, uint32_t value);
void fake_flush(const void *address, size_t bytes);
void fake_invalidate(const void *address, size_t bytes);
#define NET_READ(address) fake_read(address)
#define NET_WRITE(address, value) fake_write(address, value)
#define NET_FLUSH(address, bytes) fake_flush(address, bytes)
#define NET_INVALIDATE(address, bytes) fake_invalidate(address, bytes)

extern int fake_error, fake_other_design, fake_frame_error;
int fake_interrupts(void);
