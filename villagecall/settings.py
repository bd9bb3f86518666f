"""Every setting, in one dataclass: defaults, then a TOML file, then ``VILLAGECALL_…`` variables.

An unknown key is an error: a misspelt setting must not pass in silence. Secrets are never in the tree:
they come from the file or the environment, or, in a demonstration, are made once in the data folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from villagecall.errors import SettingsError

__all__ = ["Settings", "SettingsError", "load"]

PREFIX = "VILLAGECALL_"


@dataclass(frozen=True, slots=True)
class Settings:
    """See ``docs/OPERATIONS.md`` for what each is for. What is secret, or may carry a password in its address, is not
    in ``repr``, so that no log and no traceback shows it."""

    data: Path = Path("var")
    """Folder of the database, blobs and recordings of the embedded installation."""
    database: str = field(default="", repr=False)
    """``sqlite:///…`` or ``postgresql://…``; empty = SQLite in ``data``."""
    redis: str = field(default="", repr=False)
    """``redis://…``; empty = the bus in this process."""
    blobs: str = ""
    """``s3://bucket?endpoint=…`` or a folder; empty = folder in ``data``."""
    s3_key: str = ""
    s3_secret: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    """How browsers and QR codes reach this server; empty = ``http://localhost:<port>``."""
    behind_tls: bool = False
    """True behind the TLS proxy: cookies get ``Secure``, HSTS is sent."""
    vault_keys: str = field(default="", repr=False)
    """``id:hex,id:hex``: data keys of personal data, 32 bytes each; the first is current."""
    vault_token_key: str = field(default="", repr=False)
    """Hex, 32 bytes: key of the search tokens; stays when data keys rotate."""
    seal_pkcs12: Path | None = None
    """PKCS#12 of the approval seal; empty in a demonstration only (a demonstration CA is made)."""
    seal_password: str = field(default="", repr=False)
    tsa_url: str = ""
    """RFC 3161 time stamping inside the closed network; empty = an in-process one, demonstrations only."""
    turn_url: str = ""
    turn_secret: str = field(default="", repr=False)
    media_addresses: str = ""
    """Comma-separated local addresses the media node offers; empty = all."""
    media_ports: str = ""
    """``low-high`` UDP ports for media; empty = any."""
    scan_workers: int = 1
    scan_memory_mib: int = 1024
    scan_timeout_s: int = 30
    scan_text: bool = True
    """Read the text of scanned pages in the background: search in case files, ID-card suggestions, text in the PDF."""
    scan_text_memory_mib: int = 1024
    upload_limit_mib: int = 64
    session_hours: int = 10
    lease_minutes: int = 15
    log_level: str = "INFO"
    demo: bool = False
    """Demonstration: made-up county, generated secrets, printed password. Warns aloud."""

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data.absolute() / 'villagecall.db'}"

    @property
    def blobs_spec(self) -> str:
        return self.blobs or str(self.data / "blobs")

    @property
    def base_url(self) -> str:
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"


def load(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read settings. Raises :class:`SettingsError` naming the key that is wrong."""
    environ = os.environ if environ is None else environ
    given: dict[str, object] = {}
    if config is not None:
        try:
            given.update(tomllib.loads(config.read_text(encoding="utf-8")))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(str(config), f"文件读不出来({error})", f"the file cannot be read ({error})") from error
    for name, value in environ.items():
        if name.startswith(PREFIX):
            given[name.removeprefix(PREFIX).lower()] = value
    hints = get_type_hints(Settings)
    known = {each.name for each in fields(Settings)}
    for key in given:
        if key not in known:
            names = ", ".join(sorted(known))
            raise SettingsError(key, f"没有这项设置,已有的是 {names}", f"there is no such setting; known: {names}")
    return Settings(**{key: _read(key, value, hints[key]) for key, value in given.items()})


def _read(key: str, value: object, hint: object) -> Any:
    try:
        if hint is bool:
            if isinstance(value, bool):
                return value
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}[
                str(value).lower()
            ]
        if hint is int:
            return int(str(value))
        if hint is str:
            return str(value)
        if value:
            return Path(str(value))
    except (KeyError, ValueError) as error:
        raise SettingsError(key, f"值 {value!r} 读不懂", f"{value!r} is not readable") from error
    if hint is Path:
        raise SettingsError(key, "不能为空,请写文件夹或删去这一项", f"{key!r} is empty; give a folder, or leave it out")
    return None
