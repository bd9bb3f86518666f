"""A process that appends to a SQLite journal as fast as it can and says what was acknowledged.

Run as ``python -m tests.adapters.appending <url> <streams>``; it goes on until it is killed. One line on
stdout for each answer: stream, sequence number, hash.
"""

from __future__ import annotations

import asyncio
import os
import sys

from tests.adapters.writing import note, write
from villagecall.adapters.sql import open_journal
from villagecall.ids import uuid7
from villagecall.journal import Head


async def main(url: str, streams: int) -> None:
    journal, _ = await open_journal(url)

    async def live() -> None:
        stream, head = uuid7(), Head()
        while True:
            answer = await journal.append(write(stream, head, "a", "b", outbox=(note("t", uuid7().hex),)))
            head = answer.head
            # One write call for each line: a killed process leaves no half of it in a buffer.
            os.write(1, f"{stream} {head.seq} {head.hash.hex()}\n".encode())

    await asyncio.gather(*(live() for _ in range(streams)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
