import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Socket } from '../src/call/socket'

/** The server's end of every connection that was opened. */
class Wire {
  static all: Wire[] = []
  readyState = 0
  bufferedAmount = 0
  sent: { t: string; id: number; [more: string]: unknown }[] = []
  onopen = (): void => undefined
  onmessage = (_: { data: string }): void => undefined
  onclose = (_: { code: number }): void => undefined
  constructor() {
    Wire.all.push(this)
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }
  close(code = 1000): void {
    this.readyState = 3
    this.onclose({ code })
  }
  accept(): void {
    this.readyState = 1
    this.onopen()
  }
  say(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) })
  }
  answer(t: string, more: object = {}): void {
    const asked = this.sent.findLast((frame) => frame.t === t)!
    this.say({ t: 'ok', re: asked.id, ...more })
  }
}
const WELCOME = { v: 1, heartbeat: 15, ice: [], duty: false, call: null, desks: { town: 2 } }
const flush = () => vi.advanceTimersByTimeAsync(0)

async function connected(): Promise<{ socket: Socket; wire: Wire }> {
  const socket = new Socket({ open: () => new Wire() as unknown as WebSocket, tab: async () => 'tab-1', random: () => 0 })
  socket.start()
  await flush()
  const wire = Wire.all.at(-1)!
  wire.accept()
  wire.answer('hello', WELCOME)
  await flush()
  return { socket, wire }
}

beforeEach(() => {
  vi.useFakeTimers()
  Wire.all = []
})
afterEach(() => vi.useRealTimers())

describe('the socket of a tab', () => {
  it('says hello with its tab first and is open with the welcome', async () => {
    const { socket, wire } = await connected()
    expect(wire.sent[0]).toMatchObject({ t: 'hello', v: 1, tab: 'tab-1' })
    expect(socket.state.value).toBe('open')
    expect(socket.welcome.value?.desks).toEqual({ town: 2 })
    socket.stop()
  })

  it('answers belong to their requests, whatever their order', async () => {
    const { socket, wire } = await connected()
    const [first, second] = [socket.request('call.start', { call: 'a' }), socket.request('call.start', { call: 'b' })]
    await flush()
    const [a, b] = wire.sent.slice(-2)
    wire.say({ t: 'ok', re: b!.id, call: { call_id: 'b' } })
    wire.say({ t: 'error', re: a!.id, error: { code: 'call_taken', zh: '已被接听', en: 'taken', todo_zh: '', todo_en: '', details: { by: '王' } } })
    await expect(second).resolves.toMatchObject({ call: { call_id: 'b' } })
    await expect(first).rejects.toMatchObject({ code: 'call_taken', details: { by: '王' } })
    socket.stop()
  })

  it('an unanswered request ends as "the line is down"', async () => {
    const { socket } = await connected()
    const asked = expect(socket.request('call.end', {}, 1000)).rejects.toMatchObject({ code: 'offline' })
    await vi.advanceTimersByTimeAsync(1001)
    await asked
    socket.stop()
  })

  it('comes back by itself, watches again what was watched, and sends what waited', async () => {
    const { socket, wire } = await connected()
    const stop = socket.watch('case-1')
    socket.watch('case-1')
    wire.close(1012)
    expect(socket.state.value).toBe('reconnecting')
    const asked = socket.request('call.consent', { call: 'c' })
    await vi.advanceTimersByTimeAsync(500)
    const next = Wire.all.at(-1)!
    expect(next).not.toBe(wire)
    next.accept()
    next.answer('hello', WELCOME)
    await flush()
    expect(next.sent.map((frame) => frame.t)).toEqual(['hello', 'watch', 'call.consent'])
    next.answer('call.consent')
    await asked
    stop()
    expect(next.sent.some((frame) => frame.t === 'unwatch')).toBe(false) // somebody else still watches
    socket.stop()
  })

  it('waits longer after each failure', async () => {
    const { socket, wire } = await connected()
    wire.close(1006)
    await vi.advanceTimersByTimeAsync(500)
    Wire.all.at(-1)!.close(1006)
    const count = Wire.all.length
    await vi.advanceTimersByTimeAsync(900)
    expect(Wire.all.length).toBe(count)
    await vi.advanceTimersByTimeAsync(200)
    expect(Wire.all.length).toBe(count + 1)
    socket.stop()
  })

  it('a path that is silent for two heartbeats is given up', async () => {
    const { socket } = await connected()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(Wire.all.length).toBeGreaterThan(1)
    socket.stop()
  })

  it.each([[4401, 'signed_out'], [4409, 'replaced']])('close %i is final: %s', async (code, why) => {
    const { socket, wire } = await connected()
    wire.close(code)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([socket.state.value, socket.ended.value, Wire.all.length]).toEqual(['closed', why, 1])
  })

  it('pushes reach their listeners until they stop listening', async () => {
    const { socket, wire } = await connected()
    const heard = vi.fn()
    const stop = socket.on('case.changed', heard)
    wire.say({ t: 'case.changed', case: 'x', seq: 3, kinds: [] })
    stop()
    wire.say({ t: 'case.changed', case: 'x', seq: 4, kinds: [] })
    expect(heard.mock.calls.map(([frame]) => frame.seq)).toEqual([3])
    socket.stop()
  })

  it('a pointer is dropped while the line is slow', async () => {
    const { socket, wire } = await connected()
    const before = wire.sent.length
    wire.bufferedAmount = 10_000
    socket.hint('page.point', { call: 'c', page: 'p', x: 1, y: 2 })
    expect(wire.sent.length).toBe(before)
    socket.stop()
  })
})
