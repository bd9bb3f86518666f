"""``villagecall scan inspect`` and ``scan bundle`` (docs: the contract of names)."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], _open_app: object) -> None:
    scan = subparsers.add_parser("scan", help="对文件使用扫描引擎 the scan engine on files").add_subparsers(
        required=True
    )
    inspect = scan.add_parser(
        "inspect", help="识别结果,每张图一行 JSON what the engine sees, one JSON object per image"
    )
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE", help="图片或 PDF images or PDF")
    inspect.set_defaults(run=_inspect)
    bundle = scan.add_parser("bundle", help="摆正后合成案卷 PDF/A-2b a straightened case file, a bookmark per input")
    bundle.add_argument("files", nargs="+", type=Path, metavar="FILE", help="图片或 PDF images or PDF")
    bundle.add_argument("-o", "--output", type=Path, required=True, metavar="case.pdf", help="写到哪里 where to")
    bundle.add_argument(
        "--text", action="store_true", help="识别文字以便检索,较慢 read the pages, so that they can be searched (slow)"
    )
    bundle.set_defaults(run=_bundle)


def _told(quiet: bool) -> Callable[[int, int], None]:
    """Progress on stderr: a bar on a terminal; elsewhere nothing, or a line now and then."""
    on_terminal = sys.stderr.isatty()

    def tell(done: int, total: int) -> None:
        if on_terminal:
            full = 30 * done // max(1, total)
            end = "\n" if done == total else ""
            bar = "█" * full + "·" * (30 - full)
            print(f"\r{bar} {done} / {total} 页 pages", end=end, file=sys.stderr, flush=True)
        elif not quiet and (done == total or done % 50 == 0):
            print(f"{done} / {total} 页 pages", file=sys.stderr, flush=True)

    return tell


def _absent(files: Sequence[Path]) -> bool:
    """Whether a name is no file: wrong use, said before anything is begun."""
    absent = [file for file in files if not file.is_file()]
    for file in absent:
        said = (
            f"这是文件夹,请写出里面的文件,例如 {file}/* 。 This is a folder: name the files in it, such as {file}/*"
            if file.is_dir()
            else "没有这个文件。 There is no such file."
        )
        print(f"villagecall: {file}: {said}", file=sys.stderr)
    return bool(absent)


def _refused(file: Path, why: str) -> None:
    start = "\n" if sys.stderr.isatty() else ""
    print(f"{start}{file}: {why}", file=sys.stderr, flush=True)


def _inspect(args: argparse.Namespace) -> int:
    return 2 if _absent(args.files) else asyncio.run(_inspected(args.files))


async def _inspected(files: Sequence[Path]) -> int:
    from villagecall.scan.batch import Refused, inspected

    _log_to_stderr()
    status = 0
    async for answer in inspected(files, _told(quiet=True)):
        if isinstance(answer, Refused):
            _refused(answer.file, answer.why)
            status = 1
            continue
        for page in answer:
            print(json.dumps(page, ensure_ascii=False), flush=True)
    return status


def _bundle(args: argparse.Namespace) -> int:
    from villagecall.scan.batch import judged_to_disk
    from villagecall.scan.batchtext import read_to_disk, text_of

    if _absent(args.files):
        return 2
    output: Path = args.output
    if not output.parent.is_dir() or output.is_dir():
        print(f"villagecall: {output}: 不能写到这里。 This cannot be written.", file=sys.stderr)
        return 2
    _log_to_stderr()
    # Beside the output: a temporary folder of the system may lie in memory.
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as name:
        folder = Path(name)
        papers, refused = asyncio.run(judged_to_disk(args.files, folder, _told(quiet=False)))
        for each in refused:
            _refused(each.file, each.why)
        if refused:
            print(
                f"villagecall: {output}: 没有写:请先处理上面的文件({len(refused)} 个),或去掉后再做。"
                f" Not written: put the {len(refused)} named right, or leave them out.",
                file=sys.stderr,
            )
            return 1
        if args.text:
            asyncio.run(read_to_disk(args.files, papers, _told(quiet=False)))
        # Only now: what writes a PDF takes as much memory as a worker, and those are gone.
        from villagecall.scan.casefile import Cover, Sheet, write

        total = sum(map(len, papers))
        listed = tuple(f"{file.stem} {len(paper)} 页" for file, paper in zip(args.files, papers, strict=True))
        # Undated, so that the same inputs give the same bytes.
        cover = Cover("扫描件", (("文件数", str(len(papers))), ("页数", str(total))), None, contents=listed)
        sheets = (
            Sheet(page.view.read_bytes(), page.width, page.height, page.dpi, file.stem, part=at, text=text_of(page))
            for at, (file, paper) in enumerate(zip(args.files, papers, strict=True))
            for page in paper
        )
        write(cover, sheets, output, folder)
    return 0


def _log_to_stderr() -> None:
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
