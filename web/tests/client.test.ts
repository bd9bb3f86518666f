import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../src/kit/api'
import { CallClient } from '../src/call/client'
import type { Socket } from '../src/call/socket'
import type { CallView, Slot } from '../src/call/wire'

class Track {
  enabled = true
  stopped = false
  readonly id = crypto.randomUUID()
  constructor(readonly kind: 'audio' | 'video') {}
  stop(): void {
    this.stopped = true
  }
}
class Stream {
  constructor(private readonly tracks: Track[] = []) {}
  getTracks = (): Track[] => this.tracks
  getAudioTracks = (): Track[] => this.tracks.filter((track) => track.kind === 'audio')
  getVideoTracks = (): Track[] => this.tracks.filter((track) => track.kind === 'video')
}
/** A connection that records its m-lines and can be told how its path is. */
class Pc {
  static all: Pc[] = []
  lines: { kind: string; direction: string; mid: string; receiver: { track: Track }; sender: { replaceTrack: ReturnType<typeof vi.fn> } }[] = []
  connectionState = 'new'
  onconnectionstatechange: (() => void) | null = null
  onicecandidate: ((event: { candidate: { toJSON: () => object } | null }) => void) | null = null
  remote: unknown = null
  closed = false
  constructor(readonly config: RTCConfiguration) {
    Pc.all.push(this)
  }
  addTransceiver(what: Track | 'audio' | 'video', init: { direction: string }) {
    const kind = typeof what === 'string' ? what : what.kind
    const line = { kind, direction: init.direction, mid: String(this.lines.length), receiver: { track: new Track(kind) }, sender: { replaceTrack: vi.fn(async () => undefined) } }
    this.lines.push(line)
    return line
  }
  getTransceivers = () => this.lines
  createOffer = async () => ({ type: 'offer', sdp: 'v=0' })
  setLocalDescription = async () => this.onicecandidate?.({ candidate: { toJSON: () => ({ candidate: 'early' }) } })
  setRemoteDescription = async (remote: unknown) => void (this.remote = remote)
  /** Bytes received so far, and how many more each time somebody asks. */
  bytes = 0
  flow = 0
  getStats = async () => new Map([['in', { type: 'inbound-rtp', bytesReceived: (this.bytes += this.flow) }]])
  path(state: string): void {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
  close(): void {
    this.closed = true
  }
}

const SLOTS: Slot[] = [0, 1, 2].map((index) => ({ index, audio_mid: String(2 + 2 * index), video_mid: String(3 + 2 * index), participant: index ? null : 'desk' }))
const view = (more: Partial<CallView> = {}): CallView => ({
  call_id: 'call', case_id: 'case', state: 'active', unit: 'town', unit_name: '东河镇', village: 'v', village_name: '柳溪村', item_name: '优待证',
  since: '2026-11-22T08:00:00Z', consented: true, place: 0, ringing: [],
  parties: [{ participant: 'me', name: '张', unit: 'v', unit_name: '柳溪村', role: 'clerk', present: true }, { participant: 'desk', name: '王', unit: 'town', unit_name: '东河镇', role: 'town', present: true }],
  ...more,
})

function setup(answers: Partial<Record<string, () => unknown>> = {}) {
  const listeners = new Map<string, ((frame: unknown) => void)[]>()
  const sent: [string, Record<string, unknown>][] = []
  const socket = {
    welcome: { value: { ice: [{ urls: 'turn:x' }] } },
    on: (t: string, listener: (frame: unknown) => void) => (listeners.set(t, [...(listeners.get(t) ?? []), listener]), () => undefined),
    request: async (t: string, fields: Record<string, unknown> = {}) => {
      sent.push([t, fields])
      const given = answers[t]?.()
      if (given instanceof Error) throw given
      return given ?? (t === 'media.offer' ? { sdp: 'answer', slots: SLOTS } : { call: view() })
    },
    hint: (t: string, fields: Record<string, unknown>) => void sent.push([t, fields]),
  }
  const push = (t: string, frame: object) => listeners.get(t)?.forEach((listener) => listener(frame))
  const client = new CallClient(socket as unknown as Socket, Promise.resolve('me'), (config) => new Pc(config) as unknown as RTCPeerConnection)
  return { client, push, sent, kinds: () => sent.map(([t]) => t) }
}
const inCall = async (answers = {}) => {
  const all = setup(answers)
  await Promise.resolve()
  await all.client.start('case')
  await all.client.consent()
  await all.client.join()
  return { ...all, pc: Pc.all.at(-1)! }
}

beforeEach(() => {
  Pc.all = []
  vi.stubGlobal('MediaStream', Stream)
  const devices = { getUserMedia: vi.fn(async () => new Stream([new Track('audio'), new Track('video')])), enumerateDevices: async () => [] }
  Object.defineProperty(navigator, 'mediaDevices', { value: devices, configurable: true })
})

describe('a call', () => {
  it('offers its m-lines in the order of the protocol and sends candidates after the answer', async () => {
    const { pc, sent, kinds } = await inCall()
    expect(pc.lines.map((line) => `${line.kind} ${line.direction}`)).toEqual([
      'audio sendonly', 'video sendonly', ...[1, 2, 3].flatMap(() => ['audio recvonly', 'video recvonly']),
    ])
    expect(pc.config.iceServers).toEqual([{ urls: 'turn:x' }])
    expect(pc.remote).toEqual({ type: 'answer', sdp: 'answer' })
    expect(kinds()).toEqual(['call.start', 'call.consent', 'media.offer', 'media.candidate'])
    expect(sent.at(-1)![1]).toEqual({ call: 'call', candidate: { candidate: 'early' } })
  })

  it('puts each slot that is taken on the screen, and keeps its stream while nothing changed', async () => {
    const { client, push, pc } = await inCall()
    pc.path('connected')
    expect(client.state.media).toBe('up')
    const [first] = client.state.remotes
    expect(first).toMatchObject({ participant: 'desk' })
    push('call.media', { call: 'call', slots: [SLOTS[0], { ...SLOTS[1], participant: 'dept' }, SLOTS[2]], muted: { desk: { audio: true, video: false } } })
    expect(client.state.remotes.map((one) => one.participant)).toEqual(['desk', 'dept'])
    expect(client.state.remotes[0]!.stream).toBe(first!.stream)
    expect(client.state.muted['desk']?.audio).toBe(true)
  })

  it.each([[0, 2], [160, 1]])('once the line is back, %i bytes between two looks make %i connections', async (flow, connections) => {
    vi.useFakeTimers()
    const { push, pc } = await inCall()
    pc.path('connected')
    pc.flow = flow
    push('welcome', { call: view() })
    await vi.advanceTimersByTimeAsync(700)
    expect([Pc.all.length, pc.closed]).toEqual([connections, connections === 2])
    vi.useRealTimers()
  })

  it('a path in doubt gets a second, then a new connection with the same camera', async () => {
    vi.useFakeTimers()
    const { client, pc, kinds } = await inCall()
    const camera = client.state.local
    pc.path('connected')
    pc.path('disconnected')
    await vi.advanceTimersByTimeAsync(900)
    expect(Pc.all.length).toBe(1)
    await vi.advanceTimersByTimeAsync(200)
    expect([Pc.all.length, pc.closed, client.state.local === camera]).toEqual([2, true, true])
    expect(kinds().filter((t) => t === 'media.offer').length).toBe(2)
    Pc.all[1]!.path('connected')
    expect(client.state.media).toBe('up')
    vi.useRealTimers()
  })

  it('a path that comes back within the second is left alone', async () => {
    vi.useFakeTimers()
    const { pc } = await inCall()
    pc.path('disconnected')
    pc.path('connected')
    await vi.advanceTimersByTimeAsync(5000)
    expect(Pc.all.length).toBe(1)
    vi.useRealTimers()
  })

  it('is joined once, however many reasons there are to join', async () => {
    const { client, kinds } = setup()
    await client.start('case')
    await Promise.all([client.preview(), client.join(), client.join(), client.join()])
    await client.join()
    expect(navigator.mediaDevices.getUserMedia).toHaveBeenCalledTimes(1)
    expect([Pc.all.length, kinds().filter((t) => t === 'media.offer').length]).toEqual([1, 1])
  })

  it('a connection that is lost while its offer hangs is built anew', async () => {
    vi.useFakeTimers()
    let count = 0
    const { client } = setup({ 'media.offer': () => (++count === 1 ? new Promise(() => undefined) : { sdp: 'answer', slots: SLOTS }) })
    await client.start('case')
    void client.join()
    await vi.advanceTimersByTimeAsync(0)
    Pc.all[0]!.path('failed')
    await vi.advanceTimersByTimeAsync(10)
    expect([Pc.all.length, Pc.all[1]!.remote !== null]).toEqual([2, true])
    vi.useRealTimers()
  })

  it('mute switches the track off and tells the others', async () => {
    const { client, sent } = await inCall()
    await client.mute({ audio: true })
    expect(client.state.local!.getAudioTracks()[0]!.enabled).toBe(false)
    expect(client.state.local!.getVideoTracks()[0]!.enabled).toBe(true)
    expect(sent.at(-1)).toEqual(['call.mute', { call: 'call', audio: true, video: false }])
  })

  it('another camera needs no new offer', async () => {
    const { client, pc, kinds } = await inCall()
    const old = client.state.local!.getTracks()
    await client.choose({ video: 'cam-2' })
    expect(old.every((track) => (track as unknown as Track).stopped)).toBe(true)
    expect(pc.lines[1]!.sender.replaceTrack).toHaveBeenCalled()
    expect(kinds().filter((t) => t === 'media.offer').length).toBe(1)
  })

  it('ends with the last state and lets go of the camera', async () => {
    const { client, push, pc } = await inCall()
    const tracks = client.state.local!.getTracks() as unknown as Track[]
    push('call.state', { call: view({ state: 'ended' }) })
    expect([client.state.call, client.state.media, pc.closed]).toEqual([null, 'off', true])
    expect(tracks.every((track) => track.stopped)).toBe(true)
  })

  it('without a camera it goes on with sound and says so', async () => {
    const get = navigator.mediaDevices.getUserMedia as ReturnType<typeof vi.fn>
    get.mockImplementation(async ({ video }: MediaStreamConstraints) => {
      if (video) throw new DOMException('', 'NotFoundError')
      return new Stream([new Track('audio')])
    })
    const { client, pc } = await inCall()
    expect(client.state.missing).toEqual(['video'])
    expect(pc.lines.length).toBe(8) // the m-lines are always all there
  })

  it('what the server refuses is shown, not tried again', async () => {
    const { client } = setup({ 'media.offer': () => new ApiError('consent_first', '先征得同意', 'consent first') })
    await client.start('case')
    await expect(client.join()).rejects.toMatchObject({ code: 'consent_first' })
    expect([client.state.error?.code, client.state.media]).toEqual(['consent_first', 'off'])
  })
})

describe('a desk', () => {
  it('hears calls that ring, oldest first, and stops when another answered', async () => {
    const { client, push } = setup()
    await Promise.resolve()
    push('ring', { call: view({ call_id: 'a', state: 'waiting', parties: [] }) })
    push('ring', { call: view({ call_id: 'b', state: 'waiting', parties: [] }) })
    push('ring', { call: view({ call_id: 'a', state: 'waiting', parties: [] }) })
    expect(client.state.ringing.map((call) => call.call_id)).toEqual(['b', 'a'])
    push('ring.stop', { call: 'b', why: 'answered', by: '王' })
    expect(client.state.ringing.map((call) => call.call_id)).toEqual(['a'])
    expect(client.state.call).toBeNull()
  })

  it('that came second is told who has it, and the bell stops', async () => {
    const taken = new ApiError('call_taken', '王建国已经接了', 'taken', '', '', { by: '王建国' })
    const { client, push } = setup({ 'call.answer': () => taken })
    push('ring', { call: view({ call_id: 'a', state: 'waiting', parties: [] }) })
    await expect(client.answer('a')).rejects.toMatchObject({ code: 'call_taken' })
    expect(client.state.ringing).toEqual([])
  })

  it('points at most ten times a second', async () => {
    vi.useFakeTimers()
    const { client, kinds } = await inCall()
    for (let n = 0; n < 50; n++) {
      client.point('p', n, n)
      vi.advanceTimersByTime(20)
    }
    expect(kinds().filter((t) => t === 'page.point').length).toBeLessThanOrEqual(10)
    vi.useRealTimers()
  })
})

describe('coming back', () => {
  it('after a reload the welcome puts the page into its call', async () => {
    const { client, push } = setup()
    await Promise.resolve()
    push('welcome', { call: view() })
    expect(client.state.call?.call_id).toBe('call')
    await client.join()
    expect(Pc.all.length).toBe(1)
  })

  it('another PC takes the seat of the village by the id of the call', async () => {
    const { client, sent } = setup()
    await client.start('case', undefined, 'call')
    expect(sent).toEqual([['call.start', { call: 'call', case: 'case' }]])
  })

  it('a call that was left is not entered again by its later states', async () => {
    const { client, push } = await inCall()
    await client.leave()
    push('call.state', { call: view({ parties: view().parties.map((party) => ({ ...party, present: party.participant !== 'me' })) }) })
    expect(client.state.call).toBeNull()
  })

  it('a call that ended meanwhile is gone', async () => {
    const { client, push } = await inCall()
    push('welcome', { call: null })
    expect([client.state.call, client.state.local]).toEqual([null, null])
  })

  it('pages and pointers belong to the call; turning the page takes the pointer away', async () => {
    const { client, push } = await inCall()
    push('page.shown', { call: 'call', page: 'p1', by: 'desk' })
    push('page.pointed', { call: 'call', page: 'p1', x: 10, y: 20, by: 'desk' })
    push('page.pointed', { call: 'other', page: 'p1', x: 99, y: 99, by: 'x' })
    expect(client.state.pointer).toMatchObject({ x: 10, y: 20 })
    push('page.shown', { call: 'call', page: 'p2', by: 'desk' })
    expect([client.state.page?.page, client.state.pointer]).toEqual(['p2', null])
  })
})
