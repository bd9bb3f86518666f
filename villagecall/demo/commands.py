"""``villagecall demo``: the demonstration county (behind ``make demo``)."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], _open_app: object) -> None:
    demo = subparsers.add_parser("demo", help="开一个虚构的演示县 a made-up county, filled and running")
    demo.add_argument("--port", type=int, default=8080, help="端口,默认 8080 where it listens")
    demo.add_argument(
        "--data",
        type=Path,
        default=Path("var/demo"),
        help="数据文件夹,删除即重新开始 its folder; delete it to begin anew",
    )
    demo.add_argument("--no-day", action="store_true", help="不准备已办结的办件 without the day of finished cases")
    demo.add_argument(
        "--no-printer", action="store_true", help="不启动演示打印机 without the private CUPS and the village agents"
    )
    demo.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> int:
    from villagecall.demo import run

    return run.main(args.data, args.port, day=not args.no_day, printer=not args.no_printer)
