"""The secrets of one demonstration: made once, kept in its data folder, different per installation."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secrets:
    vault_keys: str
    vault_token_key: str
    password: str


def load(folder: Path) -> Secrets:
    """Read the demonstration's secrets, or make them. The file is readable by its owner only."""
    path = folder / "demonstration.json"
    if path.exists():
        return Secrets(**json.loads(path.read_text(encoding="utf-8")))
    made = Secrets(
        vault_keys=f"d1:{secrets.token_hex(32)}",
        vault_token_key=secrets.token_hex(32),
        password="-".join(f"{secrets.randbelow(10_000):04d}" for _ in range(3)),
    )
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"vault_keys": made.vault_keys, "vault_token_key": made.vault_token_key,
                   "password": made.password}, file)  # fmt: skip
        file.flush()
        os.fsync(file.fileno())
    return made
