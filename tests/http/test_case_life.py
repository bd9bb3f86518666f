"""A case over HTTP as the pages drive it: what each person sees, and what nobody gets to see."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import zxingcpp

from tests.support.office import LI, actor, key
from tests.support.site import Browser, Site
from villagecall.directory.model import Person
from villagecall.ids import uuid7

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def opened(site: Site, person: Person | None = None) -> tuple[Browser, dict[str, Any]]:
    browser = await site.browser(person or site.county.willow_clerk)
    answer = await browser.post("/api/v1/cases", {"case_id": str(uuid7()), "item": "LN-001"})
    assert answer.status == 201
    return browser, answer.json()["case"]


async def accepted(site: Site) -> str:
    return str((await site.office().accepted()).case_id)


class TestTheVillage:
    async def test_from_opening_to_the_receipt(self, site: Site) -> None:
        clerk, case = await opened(site)
        path = f"/api/v1/cases/{case['case_id']}"
        assert (case["state"], case["state_zh"], case["village_name"]) == ("draft", "草稿", "柳溪村")
        assert set(case["actions"]) == {"applicant", "form", "upload", "submit", "withdraw"}
        assert [material["state"] for material in case["materials"]] == ["missing"] * 4

        entered = (await clerk.put(f"{path}/applicant", {"applicant": LI})).json()
        assert entered["warnings"] == []
        assert entered["case"]["applicant"] == {
            "name": "李*芳",
            "id_number": "1101**********002X",
            "phone": "138****0000",
            "address": "柳溪村*****",
        }
        values = {"phone": "13800130000", "kind": "首次申领"}
        assert (await clerk.put(f"{path}/form", {"values": values})).json()["case"]["form"] == values

        office = site.office()
        await office.scan(await office.approval.get(UUID(case["case_id"])))
        assert (await clerk.get(f"{path}/defects")).json() == {"defects": []}
        submitted = (await clerk.post(f"{path}/submit")).json()["case"]
        assert (submitted["state"], submitted["promised"]["sentence_zh"]) == ("accepted", "今天到期")
        assert [material["state"] for material in submitted["materials"]] == ["fine", "fine", "fine", "missing"]

        receipt = (await clerk.get(f"{path}/receipt")).json()
        assert (receipt["number"], receipt["applicant"]) == (submitted["number"], "李*芳")
        assert receipt["url"].endswith(f"/r/{submitted['number']}")

    async def test_opening_twice_is_opening_once(self, site: Site) -> None:
        clerk = await site.browser(site.county.willow_clerk)
        body = {"case_id": str(uuid7()), "item": "LN-001"}
        first, second = [await clerk.post("/api/v1/cases", body) for _ in range(2)]
        assert (first.status, second.status) == (201, 201)
        assert first.json() == second.json()

    async def test_incomplete_papers_get_the_whole_list(self, site: Site) -> None:
        clerk, case = await opened(site)
        answer = await clerk.post(f"/api/v1/cases/{case['case_id']}/submit")
        assert (answer.status, answer.code) == (422, "incomplete")
        defects = answer.json()["details"]["defects"]
        assert [defect["code"] for defect in defects] == [
            "applicant_missing",
            "form.phone",
            "form.kind",
            *["material_missing"] * 3,
        ]
        assert answer.json()["zh"] == "还有 6 处没有备齐,没有提交。"
        again = (await clerk.get(f"/api/v1/cases/{case['case_id']}")).json()["case"]
        assert again["seq"] == case["seq"]

    async def test_a_wrong_id_number_warns_and_is_kept(self, site: Site) -> None:
        clerk, case = await opened(site)
        wrong = {**LI, "id_number": "110105194912310021"}
        answer = await clerk.put(f"/api/v1/cases/{case['case_id']}/applicant", {"applicant": wrong})
        assert answer.status == 200
        assert [(one["code"], one["field"]) for one in answer.json()["warnings"]] == [
            ("id_check", "applicant.id_number")
        ]
        assert answer.json()["case"]["applicant"]["id_number"] == "1101**********0021"

    async def test_the_same_submit_five_times(self, site: Site) -> None:
        office = site.office()
        case, clerk = await office.complete(), await site.browser(site.county.willow_clerk)
        one = {"Idempotency-Key": key()}
        answers = [await clerk.post(f"/api/v1/cases/{case.case_id}/submit", headers=one) for _ in range(5)]
        assert {answer.status for answer in answers} == {200}
        assert len({(answer.json()["case"]["number"], answer.json()["case"]["seq"]) for answer in answers}) == 1

    async def test_the_qr_of_the_receipt_is_read_by_another_reader(self, site: Site) -> None:
        case_id, clerk = await accepted(site), await site.browser(site.county.willow_clerk)
        receipt = (await clerk.get(f"/api/v1/cases/{case_id}/receipt")).json()
        (found,) = zxingcpp.read_barcodes(drawn(receipt["qr_svg"]))
        assert found.text == receipt["url"]

    async def test_a_draft_has_no_receipt(self, site: Site) -> None:
        clerk, case = await opened(site)
        assert (await clerk.get(f"/api/v1/cases/{case['case_id']}/receipt")).status == 404


def drawn(svg: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The strokes of a QR code's SVG (``M x y h n m dx dy …``) as a picture."""
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    path = re.search(r' d="([^"]+)"', svg)
    assert size is not None
    assert path is not None
    grid = np.full((int(size[2]), int(size[1])), 255, np.uint8)
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-0-9. ]+)", path[1]):
        values = [float(number) for number in re.findall(r"-?[0-9.]+", numbers)]
        if command == "h":
            grid[int(y), int(x) : int(x + values[0])] = 0
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return np.kron(grid, np.ones((8, 8), np.uint8))


class TestTheDesk:
    async def test_from_the_queue_to_the_decision(self, site: Site) -> None:
        case_id = await accepted(site)
        path = f"/api/v1/cases/{case_id}"
        first, second = [await site.browser(one) for one in (site.county.east_officer, site.county.east_officer2)]
        queue = (await first.get("/api/v1/queue?limit=200")).json()
        (line,) = [one for one in queue["today"] if one["case_id"] == case_id]
        assert (line["applicant"], line["item_name"], line["group"]) == ("李*芳", "老年人优待证申领", "today")
        assert queue["counts"]["today"] >= 1

        claimed = (await first.post(f"{path}/claim")).json()["case"]
        assert claimed["claim"]["mine"] is True
        no = await second.post(f"{path}/claim")
        assert (no.status, no.code, no.json()["details"]["name"]) == (409, "claimed_by_other", "王建国")
        seen = (await second.get(path)).json()["case"]
        assert (seen["claim"]["name"], seen["claim"]["mine"], seen["actions"]) == ("王建国", False, ["reveal"])

        approved = (await first.post(f"{path}/approve", {"opinion": "符合条件"})).json()["case"]
        assert (approved["state"], approved["steps"][-1]["opinion"]) == ("approved", "符合条件")
        assert approved["claim"] is None
        history = (await second.get(f"{path}/history")).json()["lines"]
        assert [line["zh"] for line in history][-3:] == ["受理", "认领", "准予"]

    async def test_refusing_shows_the_sentence_the_applicant_gets(self, site: Site) -> None:
        path = f"/api/v1/cases/{await accepted(site)}"
        officer = await site.browser(site.county.east_officer)
        assert (await officer.post(f"{path}/refuse", {"reasons": ["mood"]})).code == "no_such_reason"
        refused = (await officer.post(f"{path}/refuse", {"reasons": ["age"]})).json()["case"]
        assert refused["state"] == "refused"
        assert "行政复议" in refused["reason"]

    async def test_returning_and_coming_back(self, site: Site) -> None:
        path = f"/api/v1/cases/{await accepted(site)}"
        officer, clerk = [await site.browser(one) for one in (site.county.east_officer, site.county.willow_clerk)]
        defect = {"code": "other", "material": "household", "zh": "户口簿没有本人页。"}
        told = (await officer.post(f"{path}/return", {"defects": [defect]})).json()["case"]
        assert (told["state"], [one["zh"] for one in told["notices"][0]["defects"]]) == (
            "correction",
            ["户口簿没有本人页。"],
        )
        assert (await clerk.post(f"{path}/submit")).code == "incomplete"
        office = site.office()
        await office.page(await office.approval.get(UUID(told["case_id"])), "household")
        assert (await clerk.post(f"{path}/submit")).json()["case"]["state"] == "accepted"
        late = {"code": "other", "material": "id", "zh": "身份证已过期。"}
        no = await officer.post(f"{path}/return", {"defects": [late]})
        assert (no.status, no.code) == (422, "defect_named_late")

    async def test_a_district_item_goes_up_and_is_decided_there(self, site: Site) -> None:
        office = site.office()
        case = await office.accepted(site.county.filing)
        path = f"/api/v1/cases/{case.case_id}"
        town, market = [await site.browser(one) for one in (site.county.east_officer, site.county.market_officer)]
        assert (await market.get(path)).status == 404
        assert (await town.post(f"{path}/approve", {})).code == "district_decides"
        assert (await town.post(f"{path}/pass-up", {"opinion": "材料齐全"})).json()["case"]["stage"] == "district"
        assert (await market.get(path)).json()["case"]["actions"] == ["claim", "approve", "refuse", "return", "reveal"]
        assert (await market.post(f"{path}/approve", {})).json()["case"]["state"] == "approved"


class TestAfterwards:
    async def test_hand_over_rating_day_book_and_progress(self, site: Site) -> None:
        office = site.office()
        case = await office.printed()
        clerk, nobody = await site.browser(site.county.willow_clerk), site.nobody()
        delivered = (await clerk.post(f"/api/v1/cases/{case.case_id}/deliver", {"signature": "M1 2L3 4"})).json()
        assert delivered["case"]["state"] == "delivered"
        token = delivered["rating_token"]
        assert (await nobody.post(f"/api/v1/ratings/{token}", {"level": 5, "comment": "很快"})).json() == {"ok": True}
        assert (await nobody.post(f"/api/v1/ratings/{token}", {"level": 1})).code == "rated_already"
        assert (await nobody.post(f"/api/v1/ratings/{'0' * 24}", {"level": 1})).status == 404

        book = (await clerk.get("/api/v1/daybook")).json()
        mine = [line for line in book["lines"] if line["case_id"] == str(case.case_id)]
        assert [line["what_zh"] for line in mine][-2:] == ["送达并签收", "评价:非常满意"]
        assert {line["applicant"] for line in mine} == {"李*芳"}
        assert book["date"] == "2026-09-23"

        progress = await nobody.get(f"/api/v1/progress/{case.number}")
        shown = progress.json()
        assert (shown["state_zh"], shown["item_name"]) == ("办结", "老年人优待证申领")
        assert all(step["done"] for step in shown["steps"])
        assert (await nobody.get("/api/v1/progress/519900101201-20260923-0001-AAAA")).status == 404

    async def test_a_supervisor_names_the_village_of_a_day_book(self, site: Site) -> None:
        supervisor = await site.browser(site.county.supervisor)
        assert (await supervisor.get("/api/v1/daybook")).code == "bad_request"
        answer = await supervisor.get(f"/api/v1/daybook?village={site.county.willow.code}")
        assert answer.status == 200


class TestWhatNobodySees:
    async def test_pages_never_carry_the_full_numbers(self, site: Site) -> None:
        office = site.office()
        case = await office.accepted()
        county, nobody = site.county, site.nobody()
        secrets = (LI["name"], LI["id_number"], LI["phone"], LI["address"])
        for person in (county.willow_clerk, county.east_officer, county.supervisor):
            browser = await site.browser(person)
            for path in ("", "/history", "/defects"):
                answer = await browser.get(f"/api/v1/cases/{case.case_id}{path}")
                if answer.status == 200:
                    text = answer.raw.decode()
                    assert not [secret for secret in secrets if secret in text], (person.login, path)
            listed = (await browser.get("/api/v1/cases?limit=200")).raw.decode()
            assert not any(secret in listed for secret in secrets)
        progress = (await nobody.get(f"/api/v1/progress/{case.number}")).raw.decode()
        assert not any(secret in progress for secret in (*secrets, "李*芳"))

    async def test_a_phone_in_the_form_is_masked_once_it_is_filled_in(self, site: Site) -> None:
        path, officer = f"/api/v1/cases/{await accepted(site)}", await site.browser(site.county.east_officer)
        assert (await officer.get(path)).json()["case"]["form"] == {"phone": "138****0000", "kind": "首次申领"}

    async def test_a_supervisor_sees_no_entries_of_the_form(self, site: Site) -> None:
        office = site.office()
        case = await office.accepted()
        supervisor = await site.browser(site.county.supervisor)
        shown = (await supervisor.get(f"/api/v1/cases/{case.case_id}")).json()["case"]
        assert set("".join(shown["form"].values())) == {"*"}
        assert shown["actions"] == []

    async def test_everything_is_shown_to_one_who_says_what_for(self, site: Site) -> None:
        path = f"/api/v1/cases/{await accepted(site)}"
        officer = await site.browser(site.county.east_officer)
        assert (await officer.post(f"{path}/reveal", {"purpose": ""})).status == 400
        answer = await officer.post(f"{path}/reveal", {"purpose": "核对身份"})
        assert answer.json() == {"applicant": LI, "agent": None}
        assert answer.headers["Cache-Control"] == "no-store"
        last = (await officer.get(f"{path}/history")).json()["lines"][-1]
        assert (last["zh"], last["by"]) == ("查看完整个人信息,用途:核对身份", "王建国")

    async def test_another_village_finds_nothing(self, site: Site) -> None:
        case_id, stone = await accepted(site), await site.browser(site.county.stone_clerk)
        for path in ("", "/history", "/receipt", "/defects"):
            assert (await stone.get(f"/api/v1/cases/{case_id}{path}")).status == 404
        assert (await stone.get("/api/v1/cases?q=李桂芳")).json()["cases"] == []


class TestLists:
    async def test_search_and_views(self, site: Site) -> None:
        case_id, clerk = await accepted(site), await site.browser(site.county.willow_clerk)
        for query in ("view=open&limit=200", "view=all&q=桂芳&limit=200", "view=unit&q=002X&limit=200"):
            found = (await clerk.get(f"/api/v1/cases?{query}")).json()["cases"]
            assert case_id in [line["case_id"] for line in found], query
        assert (await clerk.get("/api/v1/cases?view=everything")).code == "bad_request"

    async def test_a_waiting_call_is_shown_with_its_place(self, site: Site) -> None:
        office = site.office()
        clerk, desk = [await site.browser(one) for one in (site.county.hill_clerk, site.county.west_officer)]
        hill, places = site.county.hill_clerk, []
        for _ in range(2):
            case = await office.draft(clerk=hill)
            for material in ("id", "id", "household", "photo"):
                await office.page(case, material, clerk=hill)
            path = f"/api/v1/cases/{case.case_id}"
            await clerk.put(f"{path}/applicant", {"applicant": LI})
            await clerk.put(f"{path}/form", {"values": {"phone": "13800130000", "kind": "补办"}})
            assert (await clerk.post(f"{path}/submit")).status == 200
            await office.approval.record(
                case.case_id,
                "call.requested",
                {"call_id": str(uuid7()), "unit": site.county.west.code},
                actor=actor(hill),
                key=key(),
            )
            call = (await clerk.get(path)).json()["case"]["call"]
            places.append(call["place"])
            assert (call["state"], call["ringing"], call["unit_name"]) == (
                "waiting",
                [site.county.west.code],
                "西岭镇",
            )
            site.clock.forward(seconds=1)
        assert places == [0, 1]
        video = (await desk.get("/api/v1/queue")).json()["video"]
        assert [line["group"] for line in video] == ["video", "video"]
        assert video[0]["waiting_since"] < video[1]["waiting_since"]
