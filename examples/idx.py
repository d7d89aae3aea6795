"""Reader of the idx format that MNIST was published in: gzipped, big-endian header, then unsigned bytes.

Format: http://yann.lecun.com/exdb/mnist/ (bottom of the page): two zero bytes, element type (8: unsigned byte), number
of dimensions, then one 32-bit size per dimension.
"""

import gzip
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import InputError

__all__ = ["find_idx", "read_idx"]


def find_idx(places: Sequence[Path], prefix: str, stem: str) -> list[Path]:
    """The file(s) of one array in the first of `places` that has it; [] if none has.

    `stem` is as in `train-images-idx3`: the file is `<stem>-ubyte.gz` or `<prefix>.<stem>-ubyte.gz`, or parts to
    concatenate, `<prefix>.train-images-part0of3-idx3-ubyte.gz` and so on, all of which must be there.
    """
    kind, _, dims = stem.rpartition("-")
    for place in places:
        for lead in (f"{prefix}.", ""):
            whole = place / f"{lead}{stem}-ubyte.gz"
            if whole.is_file():
                return [whole]
            first = next(iter(sorted(place.glob(f"{lead}{kind}-part0of*-{dims}-ubyte.gz"))), None)
            if first is not None:
                return _all_parts(first)
    return []


def _all_parts(first: Path) -> list[Path]:
    match = re.search(r"-part0of(\d+)-", first.name)
    if match is None:
        raise InputError(f"{first}: a part's name must look like `-part0of3-`")
    count = int(match[1])
    parts = [first.with_name(first.name.replace("-part0of", f"-part{index}of")) for index in range(count)]
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        raise InputError(f"{first.parent}: parts are missing: {', '.join(missing)}")
    return parts


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes in a gzipped idx file. Raises InputError if the file is not one."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file ({error}); get it again") from error
    if content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise InputError(f"{path}: not an idx file of unsigned bytes; get it again")
    shape = np.frombuffer(content, ">u4", count=content[3], offset=4).astype(int).tolist()
    header = 4 + 4 * content[3]
    if len(content) - header != math.prod(shape):
        raise InputError(f"{path}: holds {len(content) - header} elements where its header says {shape}; get it again")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
