"""``python -m bench [group…]``: each group is a module of this package with ``run() -> list[Figure]``.

Exit 0 = every goal met, 1 = not, 2 = no such group.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import bench
from bench.figure import Figure, table


def groups() -> list[str]:
    """The groups there are: modules that have ``run``."""
    names = (module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))
    return [name for name in names if hasattr(importlib.import_module(f"bench.{name}"), "run")]


def main(arguments: Sequence[str]) -> int:
    known = groups()
    wanted = list(arguments) or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no such group: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in wanted:
        print(f"{name} …", file=sys.stderr, flush=True)
        found: list[Figure] = importlib.import_module(f"bench.{name}").run()
        print(table(found), end="\n\n", flush=True)
        figures += found
    return 1 if any(figure.met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
