"""An SVG as a reader of XML sees it."""

from __future__ import annotations

from xml.parsers import expat


def root(text: str | bytes) -> dict[str, str]:
    """The attributes of the outermost element. Raises ExpatError unless all of it is well-formed, ValueError if it
    declares a document type (and with it entities) or is no SVG."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: found.append((name, attributes))
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(text, True)
    name, attributes = found[0]
    if name != "svg":
        raise ValueError(name)
    return attributes


def _refuse(name: str, *_: object) -> None:
    raise ValueError(f"<!DOCTYPE {name}>")
