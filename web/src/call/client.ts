// A call as a page sees it. Everything it shows is in `state`; what the server pushes replaces it whole.
import { shallowReactive } from 'vue'
import { asError, type ApiError } from '../kit/api'
import { uuid7 } from '../kit/ids'
import { backoff } from './backoff'
import { listDevices, openDevices, type DeviceChoice, type DeviceList } from './devices'
import { Peer } from './peer'
import type { Socket } from './socket'
import type { CallView, LineWord, Muted, PartyView, Slot } from './wire'

/** How long a new connection may take to carry its first packet. */
const PATH_MS = 8000
/** A participant sends sound 50 times a second, muted or not: this much silence is a lost path. */
const SILENCE_MS = 600

export type MediaState = 'off' | 'connecting' | 'up' | 'reconnecting'

export interface Remote {
  participant: string
  stream: MediaStream
}

export interface CallState {
  call: CallView | null
  /** Calls that ring here, oldest first. */
  ringing: CallView[]
  media: MediaState
  local: MediaStream | null
  missing: ('audio' | 'video')[]
  remotes: Remote[]
  muted: Record<string, Muted>
  mine: Muted
  quality: { word: LineWord; rtt_ms: number; loss_permille: number } | null
  page: { page: string | null; by: string } | null
  pointer: { page: string; x: number; y: number; by: string } | null
  devices: DeviceList
  choice: DeviceChoice
  error: ApiError | null
}

const fresh = (): Omit<CallState, 'ringing' | 'devices' | 'choice' | 'mine'> => ({
  call: null, media: 'off', local: null, missing: [], remotes: [], muted: {}, quality: null, page: null, pointer: null, error: null,
})

export class CallClient {
  readonly state: CallState = shallowReactive({
    ...fresh(), ringing: [], devices: { audio: [], video: [] }, choice: { audio: '', video: '' }, mine: { audio: false, video: false },
  })
  /** This tab in calls; known after the first welcome. */
  me = ''
  private peer: Peer | null = null
  private slots: Slot[] = []
  private rebuild: ReturnType<typeof setTimeout> | undefined
  private tries = 0
  private joining: Promise<void> | null = null

  constructor(
    private readonly socket: Socket,
    tab: Promise<string>,
    private readonly create: (config: RTCConfiguration) => RTCPeerConnection = (config) => new RTCPeerConnection(config),
  ) {
    void tab.then((id) => (this.me = id))
    socket.on('welcome', (welcome) => {
      this.state.ringing = [] // whatever still rings is told again
      if (welcome.call) this.take(welcome.call)
      else if (this.state.call) this.finish()
      if (!this.state.call || this.state.media === 'off') return
      if (this.state.media !== 'up') this.again(0)
      else void this.listen()
    })
    socket.on('ring', ({ call }) => {
      this.state.ringing = [...this.state.ringing.filter((other) => other.call_id !== call.call_id), call]
    })
    socket.on('ring.stop', ({ call }) => this.silence(call))
    socket.on('call.state', ({ call }) => this.take(call))
    socket.on('call.media', (frame) => {
      if (frame.call !== this.state.call?.call_id) return
      this.state.muted = frame.muted
      this.seat(frame.slots)
    })
    socket.on('call.quality', (frame) => {
      if (frame.call === this.state.call?.call_id && frame.participant === this.me) this.state.quality = frame
    })
    socket.on('page.shown', (frame) => {
      if (frame.call !== this.state.call?.call_id) return
      this.state.page = frame
      if (this.state.pointer?.page !== frame.page) this.state.pointer = null
    })
    socket.on('page.pointed', (frame) => {
      if (frame.call === this.state.call?.call_id) this.state.pointer = frame
    })
  }

  /** Those who are in the call with us, present ones first. */
  get others(): PartyView[] {
    return (this.state.call?.parties ?? []).filter((party) => party.participant !== this.me)
  }

  /** Into a call that the server says this tab is in (after a reload, when this client loads later). */
  adopt(call: CallView, page: CallState['page']): void {
    this.take(call)
    this.state.page = page
  }

  /**
   * The village rings its town window. With the id of a call that is going on, this tab takes the village's
   * seat in it, if nobody sits there any more (another PC, a browser that was restarted after a power cut).
   */
  async start(caseId: string, unit?: string, call: string = uuid7()): Promise<void> {
    this.take((await this.socket.request('call.start', { call, case: caseId, ...(unit && { unit }) })).call)
  }

  async answer(call: string): Promise<void> {
    try {
      this.take((await this.socket.request('call.answer', { call })).call)
    } finally {
      this.silence(call)
    }
    await this.join()
  }

  async decline(call: string): Promise<void> {
    this.silence(call)
    await this.socket.request('call.decline', { call })
  }

  async consent(): Promise<void> {
    await this.on('call.consent')
  }

  async invite(unit: string): Promise<void> {
    await this.on('call.invite', { unit })
  }

  async leave(): Promise<void> {
    const call = this.state.call?.call_id
    this.finish()
    if (call) await this.socket.request('call.leave', { call })
  }

  async end(): Promise<void> {
    const call = this.state.call?.call_id
    this.finish()
    if (call) await this.socket.request('call.end', { call })
  }

  /** Tell the others which page this desk looks at; the server tells those who come later. */
  showPage(page: string | null): void {
    if (this.state.call) this.socket.hint('page.show', { call: this.state.call.call_id, page })
  }

  private pointed = 0
  point(page: string, x: number, y: number): void {
    const now = Date.now()
    if (!this.state.call || now - this.pointed < 100) return
    this.pointed = now
    this.socket.hint('page.point', { call: this.state.call.call_id, page, x: Math.round(x), y: Math.round(y) })
  }

  async mute(change: Partial<Muted>): Promise<void> {
    this.state.mine = { ...this.state.mine, ...change }
    this.applyMute()
    await this.on('call.mute', this.state.mine)
  }

  async choose(change: Partial<DeviceChoice>): Promise<void> {
    this.state.choice = { ...this.state.choice, ...change }
    this.close(this.state.local)
    await this.openLocal()
    if (this.state.local) await this.peer?.replace(this.state.local)
  }

  /** Own picture before anybody is called, so that the clerk sees what will be seen. */
  async preview(): Promise<void> {
    if (!this.state.local) await this.openLocal()
  }

  /** Take part with sound and picture. Needs the applicant's consent to be recorded first. */
  join(): Promise<void> {
    if (!this.state.call || this.peer) return Promise.resolve()
    if (!this.joining) {
      const mine = this.joinOnce().finally(() => {
        if (this.joining === mine) this.joining = null
      })
      this.joining = mine
    }
    return this.joining
  }

  private async joinOnce(): Promise<void> {
    this.state.media = this.state.media === 'off' ? 'connecting' : this.state.media
    this.state.error = null
    try {
      if (!this.state.local) await this.openLocal()
      await this.connect()
      this.tries = 0
    } catch (thrown) {
      const error = asError(thrown)
      this.unplug()
      if (error.code === 'offline' || error.code === 'unavailable') return this.again(backoff(this.tries++))
      this.state.media = 'off'
      this.state.error = error
      throw error
    }
  }

  private async connect(): Promise<void> {
    const call = this.state.call
    if (!call || !this.state.local) return
    const peer: Peer = new Peer({
      create: this.create,
      offer: (sdp) => this.socket.request('media.offer', { call: call.call_id, sdp }),
      candidate: (candidate) => this.socket.hint('media.candidate', { call: call.call_id, candidate }),
      path: (path) => {
        if (peer !== this.peer) return
        clearTimeout(this.rebuild)
        if (path === 'up') this.state.media = 'up'
        else this.again(path === 'gone' ? 0 : 1000)
      },
    }, this.socket.welcome.value?.ice ?? [], this.state.local)
    this.peer = peer
    const slots = await peer.connect()
    if (peer !== this.peer) return
    this.seat(slots)
    // A path that never comes up is tried anew, like one that was lost.
    if (this.state.media !== 'up') this.rebuild = setTimeout(() => this.again(0), PATH_MS)
  }

  /** Build the connection anew after `ms`, unless the path comes back before. */
  private again(ms: number): void {
    if (!this.state.call) return
    this.state.media = 'reconnecting'
    clearTimeout(this.rebuild)
    this.rebuild = setTimeout(() => {
      this.unplug()
      this.joining = null // what still hangs there has lost its connection
      this.join().catch(() => undefined) // told in state.error
    }, ms)
  }

  /** The line is back while the picture seems to be up: only the packets tell whether the node still knows us. */
  private async listen(): Promise<void> {
    const peer = this.peer
    if (!peer || !this.state.remotes.length) return
    const flows = await peer.flows(SILENCE_MS).catch(() => true)
    if (!flows && peer === this.peer) this.again(0)
  }

  private opening: Promise<void> | null = null
  /** Camera and microphone are asked for once, however many want them at the same time. */
  private openLocal(): Promise<void> {
    return (this.opening ??= this.openDevices().finally(() => (this.opening = null)))
  }

  private async openDevices(): Promise<void> {
    const { stream, missing } = await openDevices(this.state.choice)
    this.state.local = stream
    this.state.missing = missing
    this.applyMute()
    this.state.devices = await listDevices()
  }

  private applyMute(): void {
    for (const track of this.state.local?.getTracks() ?? []) track.enabled = !this.state.mine[track.kind as 'audio' | 'video']
  }

  private seat(slots: Slot[]): void {
    const before = this.state.remotes
    this.slots = slots
    const peer = this.peer
    if (!peer) return
    this.state.remotes = this.slots.flatMap((slot) => {
      if (!slot.participant) return []
      const stream = peer.stream(slot)
      const same = before.find((one) => one.participant === slot.participant)
      // Keeping the stream that is already playing keeps the picture from blinking.
      const kept = same && sameTracks(same.stream, stream) ? same.stream : stream
      return [{ participant: slot.participant, stream: kept }]
    })
  }

  private take(call: CallView): void {
    if (call.state === 'ended') {
      this.silence(call.call_id)
      if (this.state.call?.call_id === call.call_id) this.finish()
      return
    }
    // A desk hears of calls that only ring; ours is the one we are in, started or answered.
    const mine = call.parties.some((party) => party.participant === this.me && party.present) || this.state.call?.call_id === call.call_id
    if (mine || !this.me) this.state.call = call
  }

  private silence(call: string): void {
    this.state.ringing = this.state.ringing.filter((other) => other.call_id !== call)
  }

  private async on(t: 'call.consent' | 'call.invite' | 'call.mute', fields: object = {}): Promise<void> {
    if (this.state.call) await this.socket.request(t, { call: this.state.call.call_id, ...fields })
  }

  private unplug(): void {
    clearTimeout(this.rebuild)
    this.peer?.close()
    this.peer = null
  }

  private close(stream: MediaStream | null): void {
    for (const track of stream?.getTracks() ?? []) track.stop()
  }

  private finish(): void {
    this.unplug()
    this.close(this.state.local)
    Object.assign(this.state, fresh())
    this.state.mine = { audio: false, video: false }
    this.tries = 0
  }
}

function sameTracks(one: MediaStream, other: MediaStream): boolean {
  const ids = (stream: MediaStream): string => stream.getTracks().map((track) => track.id).sort().join()
  return ids(one) === ids(other)
}
