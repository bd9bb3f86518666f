"""The process that is fed: ``python -m bench._fuzzed FIRST COUNT``, confined as a worker is.

A line before each input (its seed) and one behind it (what became of it), so that whoever reads knows which one
it died of. A minute's silence is death too: the alarm ends the process.
"""

from __future__ import annotations

import importlib
import signal
import sys

import cv2

from tests.support.mutants import mutant
from villagecall.scan import confine
from villagecall.scan.decode import Document
from villagecall.scan.refusals import ScanRefusal

SECONDS = 20
MEMORY_MIB = 1024


def outcome(data: bytes) -> str:
    """``decoded``, the code of a refusal, or ``failure …``."""
    try:
        document = Document(data)
        for frame in {0, document.frames - 1}:
            seen = document.picture(frame)
            if seen.grey.ndim != 2 or seen.colour.ndim != 3 or seen.grey.size == 0:
                return "failure shape"
        document.page(0)
        return "decoded"
    except ScanRefusal as refusal:
        return refusal.code
    except MemoryError:
        return "memory"
    except Exception as error:
        return f"failure {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def main(first: int, count: int) -> None:
    importlib.import_module("villagecall.scan.pdf")  # before the bound, as the bound counts from there
    cv2.setNumThreads(1)
    mutant(first)
    confine.without_network()
    confine.bounded(MEMORY_MIB)
    for seed in range(first, first + count):
        kind, data = mutant(seed)
        print(f"{seed} {kind}", flush=True)
        signal.alarm(SECONDS)
        print(f"= {outcome(data)}", flush=True)
    signal.alarm(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
