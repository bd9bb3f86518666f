"""What happens inside a call: consent, sound and picture, pages, pointers, recordings."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from tests.signaling.hall import Hall, Tab
from tests.signaling.test_hub import active, kinds
from villagecall.adapters.blobs_local import LocalBlobs
from villagecall.ids import uuid7
from villagecall.outbox import Outbox
from villagecall.ports import MediaStats, RecordingFile


async def consented(hall: Hall) -> tuple[Tab, Tab, UUID, UUID]:
    village, desk, call, case_id = await active(hall)
    assert (await village.call("call.consent", call))["t"] == "ok"
    return village, desk, call, case_id


# ---------------------------------------------------------------- consent and media


async def test_no_sound_or_picture_before_consent(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    for tab in (village, desk):
        assert (await tab.call("media.offer", call, sdp="v=0"))["error"]["code"] == "consent_first"
        assert (await tab.call("media.candidate", call, candidate=None))["error"]["code"] == "consent_first"
    assert hall.tape.done == []
    assert (await desk.call("call.consent", call))["error"]["code"] == "calls_only_workers"
    assert (await village.call("call.consent", call))["t"] == "ok"
    assert (await village.call("call.consent", call))["t"] == "ok"  # twice is once
    assert (await kinds(hall, case_id)).count("call.consented") == 1
    assert desk.last("call.state")["call"]["consented"] is True
    answer = await desk.call("media.offer", call, sdp="v=0")
    assert answer["sdp"] == "answer to v=0"
    assert [slot["index"] for slot in answer["slots"]] == [0, 1, 2]
    assert hall.tape.done == [("join", call, desk.id)]


async def test_consent_before_anybody_answered(hall: Hall) -> None:
    village = await hall.tab(hall.office.county.willow_clerk)
    _, call = await hall.called(village)
    assert (await village.call("call.consent", call))["t"] == "ok"
    assert (await village.call("media.offer", call, sdp="v=0"))["t"] == "ok"


async def test_mute_is_told_to_everybody_with_their_own_slots(hall: Hall) -> None:
    village, desk, call, _ = await consented(hall)
    await desk.call("media.offer", call, sdp="v=0")
    assert (await village.call("call.mute", call, audio=True, video=False))["t"] == "ok"
    told = desk.last("call.media")
    assert told["muted"] == {str(village.id): {"audio": True, "video": False}}
    assert len(told["slots"]) == 3
    assert village.last("call.media")["slots"] == []  # it has no connection to the node yet


async def test_slots_that_change_are_told(hall: Hall) -> None:
    _, desk, call, _ = await consented(hall)
    await desk.call("media.offer", call, sdp="v=0")
    assert hall.tape.listener is not None
    await hall.tape.listener(call, desk.id, "slots")
    assert desk.last("call.media")["call"] == str(call)
    await hall.tape.listener(uuid7(), desk.id, "slots")  # an event of a call that is over


async def test_quality_in_figures_and_a_word(hall: Hall) -> None:
    village, desk, call, _ = await consented(hall)
    await desk.call("media.offer", call, sdp="v=0")
    await hall.hub._quality()
    assert not village.got("call.quality")  # nothing measured yet
    hall.tape.line = MediaStats(40, 90)
    await hall.hub._quality()
    told = village.last("call.quality")
    assert (told["participant"], told["rtt_ms"], told["loss_permille"], told["word"]) == (str(desk.id), 40, 90, "poor")


async def test_an_engine_that_fails_is_one_sentence_and_no_secret(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    _, desk, call, _ = await consented(hall)

    async def broken(*args: object, **more: object) -> None:
        raise OSError("/dev/secret")

    monkeypatch.setattr(hall.tape, "join", broken)
    answer = await desk.call("media.offer", call, sdp="v=0")
    assert answer["error"]["code"] == "unavailable"
    assert "secret" not in str(answer)


# ---------------------------------------------------------------- pages


async def test_the_village_sees_which_page_is_looked_at(hall: Hall) -> None:
    village, desk, call, case_id = await consented(hall)
    case = await hall.office.approval.get(case_id)
    first, second = case.live_pages()[0].page_id, case.live_pages()[1].page_id
    for page in (first, first, second, first, None):
        assert (await desk.call("page.show", call, page=str(page) if page else None))["t"] == "ok"
    shown = [frame["page"] for frame in village.got("page.shown")]
    assert shown == [str(first), str(second), str(first), None]
    assert village.last("page.shown")["by"] == str(desk.id)
    assert not desk.got("page.shown")
    entries = await hall.office.journal.entries(case_id)
    recorded = [e.action.payload["page_id"] for e in entries if e.action.kind == "page.shown"]
    assert recorded == [str(first), str(second), str(first), None]


async def test_a_page_of_another_case_is_not_found(hall: Hall) -> None:
    village, desk, call, _ = await consented(hall)
    other = await hall.accepted()
    page = (await hall.office.approval.get(other.case_id)).live_pages()[0].page_id
    assert (await desk.call("page.show", call, page=str(page)))["error"]["code"] == "not_found"
    assert not village.got("page.shown")


async def test_a_page_scanned_during_the_call_can_be_shown(hall: Hall) -> None:
    village, desk, call, case_id = await consented(hall)
    page = await hall.office.page(await hall.office.approval.get(case_id), "checkup")
    assert (await desk.call("page.show", call, page=str(page)))["t"] == "ok"
    assert village.last("page.shown")["page"] == str(page)


async def test_the_pointer_is_passed_on_and_not_recorded(hall: Hall) -> None:
    village, desk, call, case_id = await consented(hall)
    page = (await hall.office.approval.get(case_id)).live_pages()[0].page_id
    before = await kinds(hall, case_id)
    await desk.call("page.point", call, page=str(page), x=500, y=20)
    told = village.last("page.pointed")
    assert (told["x"], told["y"], told["by"]) == (500, 20, str(desk.id))
    assert await kinds(hall, case_id) == before
    village.line.waiting = 100_000  # a slow line: pointers are not worth waiting for
    await desk.call("page.point", call, page=str(page), x=501, y=20)
    assert village.last("page.pointed")["x"] == 500


async def test_the_second_screen_follows_the_first(hall: Hall) -> None:
    village, desk, call, _ = await active(hall)
    second = await hall.tab(hall.office.county.willow_clerk)
    await village.ask("second", screen="consent", call=str(call))
    assert second.last("second") == {"t": "second", "screen": "consent", "call": str(call)}
    assert not desk.got("second")
    assert not village.got("second")
    await village.call("call.end", call)
    assert second.last("call.state")["call"]["state"] == "ended"


# ---------------------------------------------------------------- recordings


def tape(folder: Path, participant: UUID, text: str) -> RecordingFile:
    path = folder / f"{participant}.webm"
    path.write_bytes(text.encode())
    path.with_name(path.name + ".chain").write_text('{"seq":0}\n')
    return RecordingFile(participant, path, 61_000, "ab" * 32, ((3, 5),))


async def deliver(hall: Hall) -> None:
    """The outbox does its round for the recordings."""
    for delivery in await hall.office.journal.claim(["recording"], 10, 60):
        await hall.hub.consume(delivery)
        await hall.office.journal.done(delivery)


async def test_at_the_end_the_recordings_come_into_the_case(hall: Hall, tmp_path: Path) -> None:
    village, desk, call, case_id = await consented(hall)
    files = (tape(tmp_path, village.id, "village"), tape(tmp_path, desk.id, "desk"))
    hall.tape.files[call] = files
    await village.call("call.end", call)
    assert await hall.office.journal.backlog() == {"recording": 1}
    await deliver(hall)
    case = await hall.office.approval.get(case_id)
    assert [r.participant for r in case.recordings] == [village.id, desk.id]
    first = case.recordings[0]
    assert (first.ms, first.chain, first.gaps, first.call_id) == (61_000, "ab" * 32, ((3, 5),), call)
    blobs = LocalBlobs(hall.folder / "blobs")
    assert await blobs.get(first.blob.sha256) == b"village"
    assert first.lines is not None
    assert await blobs.get(first.lines.sha256) == b'{"seq":0}\n'
    assert not any(file.path.exists() for file in files)


async def test_a_server_killed_before_the_sealing_does_it_after(hall: Hall, tmp_path: Path) -> None:
    village, desk, call, case_id = await consented(hall)
    await village.call("call.end", call)
    hall.tape.left_open = ((call, tape(tmp_path, desk.id, "desk")),)  # what the killed process left behind
    await hall.restart()
    await deliver(hall)  # the promise is still there; the engine no longer knows the call
    case = await hall.office.approval.get(case_id)
    assert [r.participant for r in case.recordings] == [desk.id]
    assert await hall.office.journal.backlog() == {}


async def test_a_file_that_comes_by_twice_is_one_recording(hall: Hall, tmp_path: Path) -> None:
    village, desk, call, case_id = await consented(hall)
    for _ in range(2):
        hall.tape.left_open = ((call, tape(tmp_path, desk.id, "desk")),)
        await hall.restart()
    assert len((await hall.office.approval.get(case_id)).recordings) == 1
    await village.open()
    assert village.welcome["call"]["call_id"] == str(call)  # the call itself goes on


async def test_blobs_that_do_not_answer_lose_no_recording(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    village, desk, call, case_id = await consented(hall)

    async def away(*args: object) -> None:
        raise OSError

    with monkeypatch.context() as cut:
        cut.setattr(LocalBlobs, "put", away)
        hall.tape.left_open = ((call, tape(tmp_path, desk.id, "before the restart")),)
        await hall.restart()  # the server comes up all the same
        hall.tape.files[call] = (tape(tmp_path, village.id, "village"),)
        await village.open()
        await village.call("call.end", call)
        with pytest.raises(OSError):
            await deliver(hall)
    assert (await hall.office.approval.get(case_id)).recordings == ()
    await hall.hub._again()
    case = await hall.office.approval.get(case_id)
    assert {r.participant for r in case.recordings} == {village.id, desk.id}


async def test_a_file_of_no_known_call_is_kept(hall: Hall, tmp_path: Path) -> None:
    lost = tape(tmp_path, uuid7(), "whose?")
    hall.tape.left_open = ((uuid7(), lost),)
    await hall.restart()
    assert lost.path.exists()


async def test_the_outbox_finishes_it_by_itself(hall: Hall, tmp_path: Path) -> None:
    village, _, call, case_id = await consented(hall)
    hall.tape.files[call] = (tape(tmp_path, village.id, "village"),)
    office = hall.office
    outbox = Outbox(office.journal, office.bus, office.clock, {"recording": hall.hub.consume})
    await village.call("call.end", call)
    await outbox.start()
    for _ in range(200):
        if not await office.journal.backlog():
            break
        await hall.settle()
    await outbox.stop()
    assert len((await office.approval.get(case_id)).recordings) == 1
