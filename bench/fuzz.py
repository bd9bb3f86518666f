"""The decoders' front door under fire: changed, cut, mixed and exaggerated files by the hundred thousand.

Every one has to end as pixels or as a refusal that a clerk can read; anything else (another exception, a crash,
a hang) is a failure and is named with its seed: ``tests.support.mutants.mutant(seed)`` makes it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from bench.figure import Figure

INPUTS = int(os.environ.get("VILLAGECALL_FUZZ", "100000"))
CHUNK = 2500


def fed(first: int, count: int) -> tuple[Counter[str], list[str]]:
    """Outcomes by name, and the failures with their seeds, of so many inputs."""
    seen: Counter[str] = Counter()
    failures: list[str] = []
    at, end = first, first + count
    while at < end:
        command = [sys.executable, "-m", "bench._fuzzed", str(at), str(end - at)]
        began = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if not line.startswith("= "):
                    began = line.strip()
                    continue
                said = line[2:].strip()
                seen[said.split()[0]] += 1
                if said.startswith("failure"):
                    failures.append(f"{began}: {said}")
                at, began = int(str(began).split()[0]) + 1, None
            status = process.wait()
        if began is not None:  # it died of this one
            seen["failure"] += 1
            failures.append(f"{began}: died, status {status}")
            at = int(began.split()[0]) + 1
        elif status != 0:
            raise RuntimeError(f"the process that is fed did not start: status {status}")
    return seen, failures


def run() -> list[Figure]:
    seen: Counter[str] = Counter()
    failures: list[str] = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        firsts = range(0, INPUTS, CHUNK)
        for found, failed in pool.map(fed, firsts, [min(CHUNK, INPUTS - first) for first in firsts]):
            seen += found
            failures += failed
    for failure in failures[:20]:
        print(failure, file=sys.stderr)
    total = sum(seen.values())
    refused = total - seen["decoded"] - seen["failure"]
    said = f"{seen['decoded']} decoded, {refused} refused, {len(failures)} failed"
    kinds = ", ".join(f"{name} {count}" for name, count in seen.most_common() if name not in ("decoded", "failure"))
    met = not failures and total >= 100_000
    return [
        Figure(f"{total} broken files", said, "", "", None, "≥ 100,000, none failed", met),
        Figure("refusals", kinds, "", "", None, "", None),
    ]
