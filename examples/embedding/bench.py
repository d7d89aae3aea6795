"""Camera and processor around `vision.v`, in cocotb; `run.py` runs it inside the simulator.

`camera.npz` in the current folder has `pictures` (N, height, width) and `blanking` (cycles after each line, lines after
each picture); what the processor reads is written to `readings.json`.
"""

import json
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge

QUIET = 20_000
"""Cycles without a result, after the last picture, that end the simulation."""


@cocotb.test()
async def watch(dut: Any) -> None:
    """Send all pictures, and read results as they come."""
    camera = np.load("camera.npz")
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    for signal in (dut.rst_n, dut.cam_frame_valid, dut.cam_line_valid, dut.cam_pixel, dut.bus_read, dut.bus_address):
        signal.value = 0
    await ClockCycles(dut.clk, 16)
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    sending = cocotb.start_soon(_send(dut, camera["pictures"], *(int(n) for n in camera["blanking"])))
    readings: list[dict[str, int]] = []
    quiet = 0
    while quiet < QUIET:
        status = await _read(dut, 0)
        if status & 1:
            names = ("class", "score", "count")
            readings.append({"status": status} | {n: await _read(dut, i) for i, n in enumerate(names, 1)})
        quiet = 0 if status & 1 or not sending.done() else quiet + 51
        await ClockCycles(dut.clk, 50)
        await FallingEdge(dut.clk)
    last = {"status": await _read(dut, 0), "count": await _read(dut, 3)}
    Path("readings.json").write_text(json.dumps({"readings": readings, "last": last}))


async def _send(dut: Any, pictures: np.ndarray, after_line: int, after_picture: int) -> None:
    """The pictures as a camera delivers them: it does not wait for anybody."""
    for picture in pictures:
        dut.cam_frame_valid.value = 1
        for line in picture:
            dut.cam_line_valid.value = 1
            for pixel in line:
                dut.cam_pixel.value = int(pixel)
                await FallingEdge(dut.clk)
            dut.cam_line_valid.value = 0
            await ClockCycles(dut.clk, after_line)
            await FallingEdge(dut.clk)
        dut.cam_frame_valid.value = 0
        await ClockCycles(dut.clk, after_picture * (picture.shape[1] + after_line))
        await FallingEdge(dut.clk)


async def _read(dut: Any, address: int) -> int:
    """A register, a cycle after it was asked for; values are driven and taken at falling edges."""
    dut.bus_read.value = 1
    dut.bus_address.value = address
    await FallingEdge(dut.clk)
    dut.bus_read.value = 0
    value = int(dut.bus_data.value)
    return value - (1 << 32) if value >> 31 else value
