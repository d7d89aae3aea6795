"""A build as IP for other designs: IP-XACT for Vivado and its like, a FuseSoC core, a packaging script."""

from rtlnn.emit.ip.files import ip_files

__all__ = ["ip_files"]
