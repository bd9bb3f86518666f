"""Token buckets, against a straightforward count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.errors import TooManyRequests
from villagecall.http import limits
from villagecall.http.limits import Buckets, Limit


class Watch:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_at_once_then_one_each_interval() -> None:
    watch = Watch()
    buckets = Buckets(Limit(3, 10.0), watch)
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(TooManyRequests) as caught:
        buckets.take("a")
    assert caught.value.details["seconds"] == 10
    buckets.take("b")
    watch.now += 10
    buckets.take("a")
    with pytest.raises(TooManyRequests):
        buckets.take("a")
    buckets.forget("a")
    buckets.take("a")


def test_looking_takes_nothing() -> None:
    buckets = Buckets(Limit(1, 10.0), Watch())
    for _ in range(5):
        buckets.check("a")
    assert len(buckets) == 0


@given(st.lists(st.floats(0, 30), max_size=40), st.integers(1, 5))
def test_never_more_than_a_token_bucket_allows(pauses: list[float], burst: int) -> None:
    watch = Watch()
    buckets = Buckets(Limit(burst, 10.0), watch)
    tokens, last = float(burst), watch.now
    for pause in pauses:
        watch.now += pause
        tokens, last = min(burst, tokens + (watch.now - last) / 10.0), watch.now
        if abs(tokens - 1) < 1e-6:
            continue  # on the very edge floating point may say either
        try:
            buckets.take("a")
        except TooManyRequests:
            assert tokens < 1
        else:
            assert tokens >= 1
            tokens -= 1


def test_a_flood_of_addresses_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST", 100)
    watch = Watch()
    buckets = Buckets(Limit(2, 10.0), watch)
    buckets.take("guesser")
    buckets.take("guesser")
    for number in range(1000):
        buckets.take(f"10.0.{number // 250}.{number % 250}")
    assert len(buckets) <= 101
    assert buckets.wait("guesser") > 0, "whoever owes most is kept longest"
    watch.now += 1000
    buckets.take("later")
