"""The browser's one socket: bytes between aiohttp and the hub; what they mean is the hub's business."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from villagecall.http.context import Context, handles
from villagecall.http.guard import same_origin
from villagecall.signaling.protocol import MAX_FRAME, Close

CLOSE_PATIENCE_S = 2.0
"""How long a browser may take to answer a close; a line that does not move is cut then."""


class SocketOutlet:
    """Writes prebuilt frames straight into the transport: the bytes are the same for every browser, and
    nothing waits. Implements :class:`villagecall.signaling.presence.Outlet`."""

    __slots__ = ("_closing", "_transport", "_ws")

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._ws, self._transport = ws, transport
        self._closing: asyncio.Task[None] | None = None

    def send(self, frame: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame)

    def backlog(self) -> int:
        return self._transport.get_write_buffer_size()

    def close(self, code: int, why: str) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(code, why))

    async def _close(self, code: int, why: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_S):
                await self._ws.close(code=code, message=why.encode())
        except TimeoutError:
            self._transport.abort()

    async def closed(self) -> None:
        """Wait for a close that has begun."""
        if self._closing is not None:
            await self._closing


@handles("socket")
async def socket(context: Context) -> web.StreamResponse:
    """``/ws``, see docs/PROTOCOL.md. The guard has found the session; its end closes the socket (4401)."""
    request, caller, hub = context.request, context.caller, context.services.hub
    # No compression: frames are small, a window costs memory for each terminal, and a frame that is
    # compressed for one connection cannot be sent to another.
    ws = web.WebSocketResponse(compress=False, max_msg_size=MAX_FRAME, decode_text=False, timeout=CLOSE_PATIENCE_S)
    await ws.prepare(request)
    transport = request.transport
    if not same_origin(request):
        await ws.close(code=Close.ORIGIN, message=b"origin")
        return ws
    if transport is None:  # gone while it was being greeted
        return ws
    outlet = SocketOutlet(ws, transport)
    conn = hub.connect(outlet, caller.person, caller.session.digest)
    try:
        while True:
            message = await ws.receive()
            if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.BINARY:
                break
            await hub.frame(conn, message.data)
    finally:
        await hub.disconnect(conn)
        await outlet.closed()
    return ws
