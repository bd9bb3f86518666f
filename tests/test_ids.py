"""UUIDv7: in order of time, of the right shape, never twice."""

from __future__ import annotations

import time
from uuid import RFC_4122

from villagecall.ids import uuid7


def test_it_is_a_version_7_of_rfc_9562() -> None:
    for _ in range(200):
        made = uuid7()
        assert (made.version, made.variant) == (7, RFC_4122)


def test_it_begins_with_the_milliseconds() -> None:
    assert uuid7(0x0123456789AB).hex.startswith("0123456789ab7")
    now = time.time_ns() // 1_000_000
    assert 0 <= (uuid7().int >> 80) - now < 1000


def test_later_ones_sort_behind_earlier_ones() -> None:
    made = [uuid7(ms) for ms in range(1_790_000_000_000, 1_790_000_000_500)]
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_ten_thousand_of_one_millisecond_differ() -> None:
    assert len({uuid7(1_790_000_000_000) for _ in range(10_000)}) == 10_000
