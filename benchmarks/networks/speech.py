"""The acoustic model of a speech recognizer: a network of nothing but large dense layers."""

from benchmarks.networks.catalogue import Network
from benchmarks.networks.topology import Dense, Layer, Sigmoid, Topology

__all__ = ["DJINN_ASR", "speech_network"]


def speech_network(name: str, inputs: int, hidden: int, layers: int, outputs: int) -> Network:
    """`layers` hidden dense layers of `hidden` outputs with sigmoids, then one of `outputs`."""
    chain: tuple[Layer, ...] = (Dense(hidden), Sigmoid()) * layers
    return Network(name, _SOURCE, Topology((1, 1, inputs), (*chain, Dense(outputs))))


_SOURCE = (
    "J. Hauswald et al., DjiNN and Tonic: DNN as a service, 2015: the acoustic model of its speech recognition, as "
    "S. Hadjis and K. Olukotun ran it: 440 inputs, six hidden layers of 2048, 1722 outputs, 25.4 M weights."
)
DJINN_ASR = speech_network("djinn_asr", 440, 2048, 6, 1722)
