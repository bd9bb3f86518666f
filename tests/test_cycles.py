"""No two modules of the house lean on each other, directly or in a circle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def imports() -> dict[str, set[str]]:
    graph = grimp.build_graph("villagecall")
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def test_no_modules_import_each_other_in_a_circle() -> None:
    sorter = TopologicalSorter(imports())
    try:
        sorter.prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_a_circle_would_be_seen() -> None:
    found = imports()
    found["villagecall.errors"] = {"villagecall.app"}
    with pytest.raises(CycleError):
        TopologicalSorter(found).prepare()
