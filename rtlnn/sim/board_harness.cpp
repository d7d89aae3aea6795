// A board's chip with its clock: levels of the serial line in and out, one a cycle. See board_line.py.
#include "Vboard.h"
#include "verilated.h"

#include <cstdint>
#include <memory>

namespace {
struct Board {
    VerilatedContext context;
    std::unique_ptr<Vboard> top = std::make_unique<Vboard>(&context, "board");
};
}  // namespace

extern "C" {
void* board_open() {
    return new Board;
}

void board_close(void* handle) {
    delete static_cast<Board*>(handle);
}

void board_run(void* handle, const uint8_t* rx, uint8_t* tx, uint64_t cycles) {
    Board& board = *static_cast<Board*>(handle);
    for (uint64_t n = 0; n < cycles; ++n) {
        board.top->rx = rx[n];
        board.top->clk = 0;
        board.top->eval();
        board.top->clk = 1;
        board.top->eval();
        tx[n] = board.top->tx;
    }
}
}
