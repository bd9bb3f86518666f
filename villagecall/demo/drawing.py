"""Papers drawn by a process of their own: what drawing takes (OpenCV, Typst, every font) would stay in the server."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Paper:
    """What to draw. ``turned`` is in degrees counter-clockwise; ``seed`` is that of the noise such a scan has."""

    kind: Literal["form", "idcard", "photo"]
    name: str = ""
    id_number: str = ""
    address: str = ""
    title: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    turned: float = 0
    seed: int = 1
    blurred: bool = False
    quality: int = 85


async def draw(wanted: Mapping[Path, Paper]) -> None:
    """Write each paper as a JPEG, its folder made if need be. Raises ``RuntimeError``."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "villagecall.demo.papers"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    asked = [{"to": str(path), **asdict(paper)} for path, paper in wanted.items()]
    _, said = await process.communicate(json.dumps(asked).encode())
    if process.returncode:
        raise RuntimeError(f"the papers were not drawn: {said.decode(errors='replace')[-1000:]}")
