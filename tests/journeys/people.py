"""The people of a journey, each with a browser of their own and what they do in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.journeys.county import County

PATIENCE = 20_000
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Somebody:
    """A signed-in browser. ``faults`` are errors its page threw or refused to load."""

    path = "/"
    size = (1366, 768)

    def __init__(self, browser: Browser, county: County, login: str) -> None:
        self.browser, self.county, self.login = browser, county, login
        self.context: BrowserContext = browser.new_context(
            viewport={"width": self.size[0], "height": self.size[1]},
            locale="zh-CN",
            permissions=["camera", "microphone"],
        )
        self.context.set_default_timeout(PATIENCE)
        self.faults: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(county.url + self.path)
        self.sign_in()

    def sign_in(self) -> None:
        self.at("login").fill(self.login)
        self.at("password").fill(self.county.password)
        self.at("sign-in").click()
        expect(self.at("sign-out")).to_be_visible(timeout=PATIENCE)

    def at(self, name: str) -> Locator:
        """The control with that ``data-test`` name."""
        return self.page.locator(f'[data-test="{name}"]')

    def sees(self, name: str, text: str | None = None) -> None:
        """``name`` is on the page (and says ``text``)."""
        expect(self.at(name).first).to_be_visible(timeout=PATIENCE)
        if text is not None:
            expect(self.at(name).first).to_contain_text(text, timeout=PATIENCE)

    def until(self, name: str, attribute: str, value: str) -> None:
        expect(self.at(name).first).to_have_attribute(attribute, value, timeout=PATIENCE)

    def has_moving_picture(self, video: Locator) -> None:
        """The video plays: its clock and its decoded pictures go on."""
        expect(video.first).to_be_visible(timeout=PATIENCE)
        handle = video.first.element_handle()
        self.page.wait_for_function(
            """video => video.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames > 10""",
            arg=handle,
            timeout=PATIENCE,
        )

    def asks(self, path: str) -> Any:
        """JSON of the server, with this browser's session."""
        return self.page.evaluate("path => fetch(path).then(answer => answer.json())", path)

    def close(self) -> None:
        self.context.close()
        assert self.faults == []


class Clerk(Somebody):
    path = "/terminal"

    def opens(self, code: str, search: str) -> None:
        self.at("item-search").fill(search)
        self.at(f"item-{code}").click()
        self.sees("guide")
        self.at("open-case").click()
        self.sees("case-head")

    def enters(self, name: str, id_number: str, **form: str) -> None:
        self.at("name").fill(name)
        self.at("id-number").fill(id_number)
        self.at("phone").fill("13812345678")
        self.at("address").fill("柳溪村三组18号")
        for code, value in form.items():
            field = self.at(f"form-{code}")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        for box in self.page.locator('[data-test^="condition-"]').all():
            box.check()
        self.at("next").click()
        expect(self.page.locator('[data-test^="material-"]').first).to_be_visible(timeout=PATIENCE)

    def scans(self, material: str, file: Path, state: str = "fine") -> None:
        self.at(f"material-{material}").click()
        self.at("file-input").set_input_files(file)
        self.until(f"material-{material}", "data-state", state)

    def submits(self) -> str:
        """Gives the receipt number."""
        self.at("submit").click()
        self.sees("receipt-number")
        return self.at("receipt-number").inner_text().strip()

    def calls(self) -> None:
        self.at("call").click()
        self.at("consent-yes").click()
        self.sees("call-stage")

    @property
    def case_id(self) -> str:
        return self.page.url.rsplit("/", 1)[-1].split("#")[-1].split("?")[0]

    def case(self) -> Any:
        """The case as the server tells it."""
        found = self.page.evaluate("() => location.href.match(/[0-9a-f]{8}-[0-9a-f-]{27}/)[0]")
        return self.asks(f"/api/v1/cases/{found}")["case"]

    def prints(self) -> None:
        self.at("print-button").click()
        self.until("print", "data-state", "done")

    def hands_over(self) -> None:
        self.at("hand-over").click() if self.at("hand-over").count() else None
        pad = self.at("signature")
        box = pad.bounding_box()
        assert box is not None
        mouse = self.page.mouse
        mouse.move(box["x"] + 30, box["y"] + 60)
        mouse.down()
        for step in range(1, 12):
            mouse.move(box["x"] + 30 + 16 * step, box["y"] + 60 + 20 * (-1) ** step)
        mouse.up()
        self.at("deliver").click()

    def rates(self, level: int) -> None:
        self.at(f"rate-{level}").click()
        self.sees("finished")


class Officer(Somebody):
    path = "/desk"
    size = (1920, 1080)

    def answers(self) -> None:
        self.sees("ring")
        self.at("answer").click()
        self.until("call", "data-media", "up")

    def decides(self, what: str, then: Callable[[], None] | None = None) -> None:
        self.at(what).click()
        if then is not None:
            then()
        self.at(f"{what}-confirm").click()

    def brings_in(self) -> None:
        self.at("invite").click()
        self.at("invite-confirm").click()


P = TypeVar("P", bound=Somebody)


class Sit(Protocol):
    """``sit_down(Clerk, county, "village1")``: somebody with a browser of their own, gone after the test."""

    def __call__(self, kind: type[P], county: County, login: str) -> P: ...
