"""The running parts that handlers call; built by ``app`` and by nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from villagecall.announcing import Announcing
from villagecall.approval.service import Approval
from villagecall.directory.service import Directory
from villagecall.issuing.devices import Devices
from villagecall.issuing.service import Issuing
from villagecall.ledger.service import Ledger
from villagecall.outbox import Outbox
from villagecall.ports import Blobs, Bus, Clock, Sessions
from villagecall.scan.pool import Pool
from villagecall.scan.service import Scans
from villagecall.settings import Settings
from villagecall.signaling.hub import Hub
from villagecall.vault import Vault


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    clock: Clock
    journal: Announcing
    sessions: Sessions
    bus: Bus
    blobs: Blobs
    vault: Vault
    directory: Directory
    approval: Approval
    pool: Pool
    scans: Scans
    hub: Hub
    issuing: Issuing
    devices: Devices
    ledger: Ledger
    outbox: Outbox
