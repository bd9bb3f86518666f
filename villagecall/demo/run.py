"""Fills the demonstration county, runs it, and says how to get in."""

from __future__ import annotations

import json
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog
import uvloop

from villagecall import app, settings
from villagecall.adapters.clock import SystemClock
from villagecall.demo import day as days
from villagecall.demo import folder, printing, secrets, seed
from villagecall.demo.drawing import Paper, draw
from villagecall.http import log
from villagecall.http.services import Services
from villagecall.ports import Clock

LOGINS = ("village1", "village2", "town1", "town2", "district1", "district2", "supervisor", "admin")
_log = structlog.get_logger(__name__)


class DayClock:
    """The system's clock, except while the finished cases of today are made: then it is their hour."""

    def __init__(self) -> None:
        self._real: Clock = SystemClock()
        self.at: datetime | None = None

    def now(self) -> datetime:
        return self.at or self._real.now()


def demo_settings(data: Path, port: int) -> settings.Settings:
    """Settings of the demonstration; the environment may change those that name no secret."""
    made = secrets.load(data)
    return replace(
        settings.load(),
        data=data,
        port=port,
        demo=True,
        vault_keys=made.vault_keys,
        vault_token_key=made.vault_token_key,
    )


async def fill(services: Services, password: str) -> None:
    """Units, people and items of the county."""
    county = seed.load()
    for unit in county.units:
        await services.directory.put_unit(unit)
    for person in county.people:
        await services.directory.put_person(person)
        await services.directory.set_password(person.person_id, password)
    for item in county.items:
        await services.directory.put_item(item)


async def sample_papers(into: Path) -> None:
    """Papers for whoever tries the terminal: straight, askew, upside down, blurred."""
    who = ("李桂芳", "519900195203042420", "青禾区东河镇柳溪村三组 18 号")
    form = Paper("form", *who, "申请表", (("家庭人口", "3"), ("联系电话", "13800000000")))
    papers = {
        "身份证.jpg": Paper("idcard", *who),
        "一寸照片.jpg": Paper("photo"),
        "申请表-歪了7度.jpg": replace(form, turned=7),
        "申请表-倒了.jpg": replace(form, turned=180),
        "申请表-模糊.jpg": replace(form, blurred=True),
    }
    await draw({into / name: paper for name, paper in papers.items()})


def write_logins(data: Path, url: str, password: str) -> None:
    """For scripts: ``logins.json`` in the data folder, readable by its owner only."""
    path = data / "logins.json"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"url": url, "password": password, "logins": LOGINS}, file)


def say(url: str, password: str, data: Path, printer: str) -> None:
    print(
        f"""
村能办 villagecall · 演示县(青禾区)已经开好 · the demonstration county is open

  公众 public              {url}/
  村级终端 terminal        {url}/terminal      village1(柳溪村) village2(石门村)
  审批台 desk              {url}/desk          town1 town2(东河镇) district1(市场监管) district2(残联)
  管理与监督 admin         {url}/admin         admin supervisor

  密码 password(全部相同)  {password}

  试扫用的材料 papers to scan  {data / "papers"}
  打印 printing            {printer}

  仅供演示:密钥、印章都是临时生成的。 For demonstration only. Ctrl+C 结束 ends it.
""",
        file=sys.stderr,
        flush=True,
    )


async def demonstrate(data: Path, port: int, *, day: bool, printer: bool) -> None:
    configured = demo_settings(data, port)
    password = secrets.load(data).password
    clock = DayClock()
    app.try_port(configured)  # filling takes minutes
    folder.begin_anew(configured)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(app.open_services(configured, clock=clock))
        if not services.directory.units():
            with folder.filling(data):
                await fill(services, password)
                await sample_papers(data / "papers")
                if day:
                    print("正在准备一天的办件… making a day of cases", file=sys.stderr, flush=True)
                    await days.finished_day(services, clock)
        bound = await stack.enter_async_context(app.listening(services))
        url = configured.public_url or f"http://localhost:{bound}"
        told = "浏览器打印 from the browser"
        if printer:
            told = await stack.enter_async_context(printing.village_printers(services, data, url))
        write_logins(data, url, password)
        say(url, password, data, told)
        await app.until_told_to_stop()


def main(data: Path, port: int, *, day: bool, printer: bool) -> int:
    """``villagecall demo``."""
    data = data.absolute()
    app.make_folder(data)
    with folder.alone(data), (data / "server.log").open("a", encoding="utf-8") as stream:
        log.setup("INFO", stream)
        uvloop.run(demonstrate(data, port, day=day, printer=printer))
    return 0
