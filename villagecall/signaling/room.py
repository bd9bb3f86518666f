"""Who takes part in a call and whom each of them sees: the lowest free slot, kept until they leave."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from villagecall.errors import Refusal
from villagecall.signaling.frames import Frames
from villagecall.signaling.peer import Peer
from villagecall.signaling.recording import Recording
from villagecall.signaling.sdp import SLOTS


class MediaFull(Refusal):
    """A connection has three slots: four can take part."""

    code = "media_full"
    status = 409
    zh = "这通视频的人数已满({limit} 方)。"
    en = "This call is full ({limit} parties)."
    todo_zh = "请先请一方退出,再加入。"
    todo_en = "Ask one party to leave first."


@dataclass(slots=True, eq=False)
class Participant:
    """Somebody in a call. The slots and the recording outlive the connection."""

    id: UUID
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    peer: Peer | None = None
    slots: list[UUID | None] = field(default_factory=lambda: [None] * SLOTS)
    recording: Recording | None = None
    frames: list[Frames] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Room:
    """A call at the node. ``closed`` keeps recordings of participants who left before the end."""

    id: UUID
    participants: dict[UUID, Participant] = field(default_factory=dict)
    closed: list[tuple[UUID, Recording]] = field(default_factory=list)
    over: bool = False

    def place(self) -> list[Participant]:
        """Everybody into everybody's lowest free slot; who has one keeps it. Answers whose slots changed."""
        changed = []
        for one in self.participants.values():
            before = list(one.slots)
            for other in self.participants.values():
                if other is not one and other.peer is not None and other.id not in one.slots and None in one.slots:
                    one.slots[one.slots.index(None)] = other.id
            if one.slots != before:
                changed.append(one)
        self.link()
        return changed

    def free(self, participant: UUID) -> list[Participant]:
        """Take somebody out of everybody's slots. Answers whose slots changed."""
        changed = [one for one in self.participants.values() if participant in one.slots]
        for one in changed:
            one.slots[one.slots.index(participant)] = None
        self.link()
        return changed

    def link(self) -> None:
        """Let each connection that is up show what its slots say.

        Not before: the key frame a picture begins with must not go into a socket that does not send yet.
        """
        shown: dict[UUID, list[Peer]] = {id_: [] for id_ in self.participants}
        for person in self.participants.values():
            peer = person.peer
            if peer is None or peer.transport.state != "connected":
                continue
            for index, id_ in enumerate(person.slots):
                other = self.participants.get(id_) if id_ is not None else None
                seen = other.peer if other is not None else None
                if seen is not None and other is not None:
                    shown[other.id].append(peer)
                if peer.outs[index][1].source is not (seen.video if seen is not None else None):
                    peer.show(index, seen)
        for id_, receivers in shown.items():
            source = self.participants[id_].peer
            if source is not None:
                source.receivers = receivers
