"""Which network is built how, what that is to reach, and what others reached."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.figures import Figure, Limit, Peer
from benchmarks.networks import NETWORKS, Network
from rtlnn.options import Options
from rtlnn.plan.goal import Objective

__all__ = ["CASES", "Case", "peers_of"]


@dataclass(frozen=True)
class Case:
    """A network with a target.

    Parameters
    ----------
    target : short, for tables
    options : of the build. If they cannot be fulfilled, the budget is widened (see `building.build`)
    reach : what the design is to reach
    peers : other designs for the same network
    """

    network: Network
    target: str
    options: Options
    reach: tuple[Limit, ...]
    peers: tuple[Peer, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.network.name}, {self.target}"


def _at_most(**limits: float) -> tuple[Limit, ...]:
    return tuple(Limit(Figure(name), value) for name, value in limits.items())


_SHALLOW = Limit(Figure.DEPTH, 4)
_MLP_EFFICIENT = Limit(Figure.EFFICIENCY, 0.90)
_CNN_EFFICIENT = Limit(Figure.EFFICIENCY, 0.80)

_FINN = Peer(
    "FINN",
    "FINN's RTL matrix-vector unit, UltraScale+, synthesized with Yosys",
    {Figure.INTERVAL: 1568, Figure.DSP: 64, Figure.LUT: 5125, Figure.FF: 2202, Figure.BRAM36: 58},
    note="without bias, requantization and ReLU",
)
_MLP_PEERS = (
    Peer(
        "Danopoulos et al.",
        "Danopoulos et al., 2021, Alveo U200",
        {
            Figure.INTERVAL: 1890,
            Figure.LATENCY: 1890,
            Figure.DSP: 64,
            Figure.LUT: 15184,
            Figure.FF: 3450,
            Figure.BRAM36: 199,
        },
        300,
    ),
    Peer(
        "NNgen",
        "NNgen, UltraScale+, synthesized with Yosys",
        {Figure.INTERVAL: 18009, Figure.DSP: 72, Figure.LUT: 8622, Figure.FF: 23969},
    ),
)
_SVHN_VU9P = "Aarrestad et al., 2021, VU9P"
_SVHN_PEERS = (
    Peer(
        "hls4ml Q",
        f"{_SVHN_VU9P}, quantized",
        {Figure.INTERVAL: 1030, Figure.LATENCY: 1059, Figure.DSP: 175, Figure.LUT: 150981, Figure.BRAM36: 67},
        200,
        "products also in LUTs",
    ),
    Peer(
        "hls4ml QP",
        f"{_SVHN_VU9P}, quantized and pruned by half",
        {Figure.INTERVAL: 1030, Figure.LATENCY: 1059, Figure.DSP: 174, Figure.LUT: 111152, Figure.BRAM36: 67},
        200,
        "products also in LUTs",
    ),
    Peer(
        "hls4ml AQP",
        f"{_SVHN_VU9P}, bits chosen layer by layer, and pruned",
        {Figure.INTERVAL: 1029, Figure.LATENCY: 1034, Figure.DSP: 70, Figure.LUT: 38795, Figure.BRAM36: 67},
        200,
        "other bits",
    ),
    Peer("NNgen", "NNgen, UltraScale+", {Figure.INTERVAL: 38321}),
)
_SVHN_ZYNQ = (
    Peer(
        "hls4ml XC7Z020",
        "Aarrestad et al., 2021, XC7Z020",
        {Figure.INTERVAL: 16385, Figure.DSP: 213, Figure.LUT: 48259, Figure.BRAM36: 61},
    ),
)
_HADJIS = "Hadjis and Olukotun, 2019, VU9P"
_LENET_PEERS = (Peer("Hadjis, Olukotun", _HADJIS, {Figure.INTERVAL: 82000, Figure.DSP: 1847}, 125, "27 % of the DSPs"),)
_CIFAR_PEERS = (
    Peer("Hadjis, Olukotun", _HADJIS, {Figure.INTERVAL: 174000, Figure.DSP: 3078}, 125, "45 % of the DSPs"),
)
_VGG_PEERS = (
    Peer(
        "Danopoulos et al.",
        "Danopoulos et al., 2021, Alveo U200",
        {Figure.INTERVAL: 810000},
        300,
        "2.7 ms end to end",
    ),
)

CASES = (
    Case(
        NETWORKS["dense 784×256"],
        "128 MAC/cycle",
        Options("u200", target_interval=1568, max_dsp=66, max_lut=800, max_bram=61),
        (*_at_most(interval=1568, dsp=66, lut=800, ff=1200, bram36=61), _SHALLOW),
        (_FINN,),
    ),
    Case(
        NETWORKS["MLP 784-256-10"],
        "small",
        Options("u200", target_interval=1580, objective=Objective.LATENCY, max_dsp=70, max_lut=1600, max_bram=64),
        (*_at_most(interval=1580, latency=1700, dsp=70, lut=1600, bram36=64), _MLP_EFFICIENT, _SHALLOW),
        _MLP_PEERS,
    ),
    Case(
        NETWORKS["MLP 784-256-10"],
        "fast",
        Options("u200", target_interval=20, max_dsp=5880),
        (*_at_most(interval=20), _SHALLOW),
        _MLP_PEERS,
    ),
    Case(
        NETWORKS["SVHN CNN"],
        "small",
        Options("vu9p", target_interval=1024, max_dsp=480, max_lut=10000),
        (*_at_most(interval=1024, dsp=480, lut=10000), _CNN_EFFICIENT, _SHALLOW),
        _SVHN_PEERS,
    ),
    Case(
        NETWORKS["SVHN CNN"],
        "low latency",
        Options("vu9p", target_interval=1024, objective=Objective.LATENCY, max_dsp=680, max_lut=14000),
        (*_at_most(interval=1024, latency=1100, dsp=680, lut=14000), _SHALLOW),
        _SVHN_PEERS,
    ),
    Case(
        NETWORKS["SVHN CNN"],
        "fast",
        Options("vu9p", target_interval=260, max_dsp=1850, utilization=0.8),
        (*_at_most(interval=260, dsp=1850), _CNN_EFFICIENT, _SHALLOW),
        _SVHN_PEERS,
    ),
    Case(
        NETWORKS["SVHN CNN"],
        "XC7Z020",
        Options("xc7z020", target_interval=4096, max_dsp=220, max_lut=15000, max_bram=140),
        _at_most(interval=4096, dsp=220, lut=15000),
        _SVHN_ZYNQ,
    ),
    Case(
        NETWORKS["LeNet"],
        "small",
        Options("vu9p", target_interval=4900, max_dsp=256),
        (*_at_most(interval=4900, dsp=256), _CNN_EFFICIENT, _SHALLOW),
        _LENET_PEERS,
    ),
    Case(
        NETWORKS["TensorFlow CIFAR CNN"],
        "small",
        Options("vu9p", target_interval=18000, max_dsp=540),
        (*_at_most(interval=18000, dsp=540), _CNN_EFFICIENT, _SHALLOW),
        _CIFAR_PEERS,
    ),
    Case(
        NETWORKS["VGG-like CIFAR CNN"],
        "small",
        Options("u200", target_interval=20000),
        (*_at_most(interval=20000), _CNN_EFFICIENT, _SHALLOW),
        _VGG_PEERS,
    ),
)


def peers_of(cases: Iterable[Case]) -> list[Peer]:
    """Other designs, each once, in the order of the cases."""
    return list({peer.name: peer for case in cases for peer in case.peers}.values())
