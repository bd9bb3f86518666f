"""Is a certificate genuine? As JSON, and as a page that is words only: no script, no picture, under 2 kB.

The page is for somebody who has just scanned a QR code with any telephone, old eyes and an old browser
included: one big mark, one sentence, the facts to hold against the paper.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from html import escape
from typing import Final

from aiohttp import web

from villagecall.case_words import local_day
from villagecall.http.context import Context, handles
from villagecall.http.models import public as t
from villagecall.issuing.number import read_code, show_code
from villagecall.issuing.service import Check

_WORDS: Final = {
    "valid": (
        "是真的",
        "这份文件由本系统出具,内容有效。请核对下面各项与纸上一致。",
        "Genuine",
        "This document was issued here and is in force. Compare the facts with the paper.",
    ),
    "expired": (
        "已过期",
        "这份文件由本系统出具,但已超过有效期,请换领。",
        "Expired",
        "This document was issued here, but its time is over.",
    ),
    "unknown": (
        "查不到",
        "没有这个查验码的文件。请核对查验码;纸上印的就是这个码时,文件可能是伪造的,请向村便民服务站反映。",
        "Not found",
        "No document has this code. If the paper carries it, the paper may be forged: tell the village office.",
    ),
}
_MARKS: Final = {"valid": "✓", "expired": "!", "unknown": "✗"}

_STYLE: Final = (
    "body{margin:0;font:22px/1.6 sans-serif;color:#111;background:#fff}main{max-width:34em;margin:auto;padding:1em}"
    "h1{font-size:2em;margin:.2em 0;text-align:center}h1 b{display:block;font-size:3.2em;line-height:1.1}"
    ".valid h1{color:#05692b}.expired h1{color:#8a4b00}.unknown h1{color:#b00015}"
    "dl{border-top:2px solid #888}dt{color:#555;margin-top:.5em}dd{margin:0;font-weight:bold;overflow-wrap:anywhere}"
    "a{color:#0b4fa0;display:inline-block;padding:.5em 0}"
)
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)


@handles("check")
async def check(context: Context) -> t.CertificateCheck:
    """Always an answer: an unknown code is ``valid: false`` with a sentence."""
    found = await context.services.issuing.check(context.request.match_info["code"])
    _, zh, _, en = _WORDS[found.state]
    return t.CertificateCheck(
        valid=found.state == "valid",
        zh=zh,
        en=en,
        number=found.number,
        title=found.title,
        holder=found.holder,
        unit_name=found.unit_name,
        issued=found.issued,
        sha256=found.sha256,
    )


@handles("check_page")
async def check_page(context: Context) -> web.Response:
    typed = context.request.match_info["code"]
    found = await context.services.issuing.check(typed)
    english = context.request.query.get("lang", "") == "en"
    body = page(found, typed, english=english).encode()
    headers = {
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-store",
        "Content-Language": "en" if english else "zh-CN",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in context.request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 9, mtime=0)
        headers["Content-Encoding"] = "gzip"
    status = 404 if found.state == "unknown" else 200
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8", headers=headers)


def page(found: Check, typed: str, *, english: bool) -> str:
    """The whole page. Everything that came from outside is escaped."""
    word, sentence, word_en, sentence_en = _WORDS[found.state]
    if english:
        word, sentence = word_en, sentence_en
    code = read_code(typed)
    facts = [
        ("查验码", "Code", show_code(code) if code else typed[:40]),
        ("名称", "Document", found.title),
        ("编号", "Number", found.number),
        ("持有人", "Holder", found.holder),
        ("出具单位", "Issued by", found.unit_name),
        ("出具日期", "Issued on", local_day(found.issued) if found.issued else ""),
        ("有效期至", "Valid until", found.valid_until),
    ]
    rows = "".join(f"<dt>{en if english else zh}</dt><dd>{escape(value)}</dd>" for zh, en, value in facts if value)
    switch = '<a href="?lang=zh" lang="zh">中文</a>' if english else '<a href="?lang=en" lang="en">English</a>'
    title = "Certificate check" if english else "证照查验"
    return (
        f'<!doctype html><html lang="{"en" if english else "zh-CN"}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{word} {title}</title>'
        f'<style>{_STYLE}</style><main class="{found.state}">'
        f'<h1><b aria-hidden="true">{_MARKS[found.state]}</b>{word}</h1><p>{sentence}</p>'
        f"<dl>{rows}</dl><p>{switch}</p></main></html>"
    )
