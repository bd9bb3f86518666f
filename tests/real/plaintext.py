"""Searches files for what must not stand in them: personal data in plain, in any of its usual spellings."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path


def spellings(text: str) -> set[bytes]:
    """How a text can lie in a file: UTF-8, UTF-16, GB 18030, JSON escapes, hexadecimal."""
    plain = text.encode()
    return {
        plain,
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        text.encode("gb18030"),
        json.dumps(text)[1:-1].encode(),
        json.dumps(text)[1:-1].upper().replace("\\U", "\\u").encode(),
        plain.hex().encode(),
        plain.hex().upper().encode(),
    } | _base64(plain)


def _base64(plain: bytes) -> set[bytes]:
    """The part of a Base64 text that does not depend on what stands around it, for each of three offsets."""
    found = set()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + plain)
        start, end = -(-offset * 8 // 6), (offset + len(plain)) * 8 // 6
        if end - start >= 8:
            found |= {whole[start:end], whole[start:end].replace(b"+", b"-").replace(b"/", b"_")}
    return found


def found_in(place: Path | bytes, texts: Iterable[str]) -> list[tuple[str, str]]:
    """``(where, text)`` for every text found under a folder, in a file, or in bytes."""
    wanted = {text: spellings(text) for text in texts}
    if isinstance(place, bytes):
        contents = [("bytes", place)]
    else:
        files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        contents = [(str(path), path.read_bytes()) for path in files]
    return [
        (where, text)
        for where, data in contents
        for text, spelled in wanted.items()
        if any(spelling in data for spelling in spelled)
    ]
