"""A page that makes the offer of docs/PROTOCOL.md in a real Chromium, and a server that hands it to a node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from villagecall.ports import MediaEngine

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--headless=new",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]

HTML = """<!doctype html><meta charset="utf-8"><title>media</title>
<video id="v0" autoplay playsinline muted></video><video id="v1" autoplay playsinline muted></video>
<video id="v2" autoplay playsinline muted></video>
<script>
let pc, local;
async function camera() {
  local = local || await navigator.mediaDevices.getUserMedia(
    {audio: true, video: {width: 640, height: 480, frameRate: 25}});
}
async function join(call, me, record) {
  await camera();
  if (pc) pc.close();
  const begun = performance.now();
  pc = new RTCPeerConnection({iceServers: [], bundlePolicy: 'max-bundle'});
  pc.addTransceiver(local.getAudioTracks()[0], {direction: 'sendonly'});
  pc.addTransceiver(local.getVideoTracks()[0], {direction: 'sendonly'});
  const first = new Promise(resolve => {
    for (let slot = 0; slot < 3; slot++) {
      const audio = pc.addTransceiver('audio', {direction: 'recvonly'});
      const video = pc.addTransceiver('video', {direction: 'recvonly'});
      const screen = document.getElementById('v' + slot);
      screen.srcObject = new MediaStream([audio.receiver.track, video.receiver.track]);
      screen.requestVideoFrameCallback(() => resolve(performance.now()));
    }
  });
  await pc.setLocalDescription();
  const answer = await (await fetch('/join', {method: 'POST', body: JSON.stringify(
    {call, me, record, sdp: pc.localDescription.sdp})})).json();
  await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
  window.first = first.then(at => at - begun);
}
async function frames(slot) {
  return document.getElementById('v' + slot).getVideoPlaybackQuality().totalVideoFrames;
}
async function heard(slot) {
  let energy = 0;
  const mid = String(2 + 2 * slot);
  const receiver = pc.getTransceivers().find(t => t.mid === mid).receiver;
  (await receiver.getStats()).forEach(s => { if (s.type === 'inbound-rtp') energy = s.totalAudioEnergy; });
  return energy;
}
async function inbound() {
  const found = [];
  (await pc.getStats()).forEach(s => { if (s.type === 'inbound-rtp' && s.packetsReceived) found.push(
    {kind: s.kind, mid: s.mid, packets: s.packetsReceived, lost: s.packetsLost, frames: s.framesDecoded,
     keys: s.keyFramesDecoded, plis: s.pliCount, nacks: s.nackCount, width: s.frameWidth}); });
  return found;
}
function shade(slot) {
  const screen = document.getElementById('v' + slot), canvas = document.createElement('canvas');
  canvas.width = 64; canvas.height = 48;
  const context = canvas.getContext('2d');
  context.drawImage(screen, 0, 0, 64, 48);
  return Array.from(context.getImageData(0, 0, 64, 48).data);
}
</script>"""


@asynccontextmanager
async def served(engine: MediaEngine) -> AsyncIterator[str]:
    """The page's address while the context lasts."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=HTML, content_type="text/html")

    async def join(request: web.Request) -> web.Response:
        asked = await request.json()
        answer = await engine.join(UUID(asked["call"]), UUID(asked["me"]), asked["sdp"], record=asked["record"])
        return web.json_response({"sdp": answer.sdp})

    app = web.Application()
    app.add_routes([web.get("/", page), web.post("/join", join)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium with a made-up camera."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def join(page: Page, call: UUID, me: UUID, *, record: bool = True) -> None:
    await page.evaluate("([c, m, r]) => join(c, m, r)", [str(call), str(me), record])


async def first_picture_ms(page: Page) -> float:
    """From the start of the offer to the first picture of anybody else."""
    return float(await page.evaluate("() => window.first"))
