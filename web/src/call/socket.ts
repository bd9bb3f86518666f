// The one socket of a browser tab: hello first, requests answered by number, a ping every 15 s,
// reconnection for as long as the session lasts. What is pushed is a hint or a whole state, so
// after a reconnect the welcome and a fresh look are enough.
import { ref, type Ref } from 'vue'
import { ApiError, offline } from '../kit/api'
import { backoff } from './backoff'
import { CLOSED, type Answers, type Pushes, type Welcome } from './wire'

export type LineState = 'connecting' | 'open' | 'reconnecting' | 'closed'
type Listener = (frame: never) => void
interface Waiting {
  done: (answer: never) => void
  failed: (error: ApiError) => void
  timer: ReturnType<typeof setTimeout>
}

export interface SocketWorld {
  open: () => WebSocket
  tab: () => Promise<string>
  random?: () => number
}

export class Socket {
  readonly state: Ref<LineState> = ref('connecting')
  readonly welcome: Ref<Welcome | null> = ref(null)
  /** Why it will not come back by itself: signed out, or the same tab is open elsewhere. */
  readonly ended: Ref<'' | 'signed_out' | 'replaced'> = ref('')

  private ws: WebSocket | null = null
  private number = 0
  private tries = 0
  private heard = 0
  private waiting = new Map<number, Waiting>()
  private queue: (() => void)[] = []
  private listeners = new Map<string, Set<Listener>>()
  private watched = new Map<string, number>()
  private retry: ReturnType<typeof setTimeout> | undefined
  private beat: ReturnType<typeof setInterval> | undefined

  constructor(private readonly world: SocketWorld) {}

  start(): void {
    if (this.ws || this.retry) return
    this.ended.value = ''
    this.state.value = this.welcome.value ? 'reconnecting' : 'connecting'
    addEventListener('online', this.soon)
    void this.connect()
  }

  stop(): void {
    removeEventListener('online', this.soon)
    clearTimeout(this.retry)
    this.retry = undefined
    this.state.value = 'closed'
    this.ws?.close(1000)
    this.drop()
    this.welcome.value = null
  }

  /** Listen to a push; gives the function that stops it. `welcome` comes after each (re)connection. */
  on<T extends keyof Pushes>(t: T, listener: (frame: Pushes[T]) => void): () => void
  on(t: 'welcome', listener: (frame: Welcome) => void): () => void
  on(t: string, listener: Listener): () => void {
    const set = this.listeners.get(t) ?? new Set()
    this.listeners.set(t, set.add(listener))
    return () => void set.delete(listener)
  }

  /** Ask and wait for the one answer. While the line is down it waits up to `patience` ms for it. */
  async request<T extends keyof Answers>(t: T, fields: object = {}, patience = 15_000): Promise<Answers[T]> {
    if (!this.welcome.value || this.state.value !== 'open') await this.opened(patience)
    return this.ask(t, fields, patience)
  }

  /** Tell without waiting; dropped while the line is down or busy (a pointer is worth nothing later). */
  hint<T extends keyof Answers>(t: T, fields: object): void {
    if (this.state.value === 'open' && this.ws && this.ws.bufferedAmount < 4096) {
      this.ask(t, fields, 5000).catch(() => undefined)
    }
  }

  /** Hear about a case until the returned function is called; survives reconnections. */
  watch(caseId: string): () => void {
    const count = this.watched.get(caseId) ?? 0
    this.watched.set(caseId, count + 1)
    if (!count) this.hint('watch', { case: caseId })
    let on = true
    return () => {
      if (!on) return
      on = false
      const left = (this.watched.get(caseId) ?? 1) - 1
      if (left) this.watched.set(caseId, left)
      else {
        this.watched.delete(caseId)
        this.hint('unwatch', { case: caseId })
      }
    }
  }

  private readonly soon = (): void => {
    if (this.ws) return
    clearTimeout(this.retry)
    this.retry = undefined
    void this.connect()
  }

  private opened(patience: number): Promise<void> {
    if (this.state.value === 'closed') return Promise.reject(offline())
    return new Promise((done, failed) => {
      const timer = setTimeout(() => {
        this.queue = this.queue.filter((entry) => entry !== go)
        failed(offline())
      }, patience)
      const go = (): void => {
        clearTimeout(timer)
        if (this.state.value === 'closed') failed(offline())
        else done()
      }
      this.queue.push(go)
    })
  }

  private ask<T extends keyof Answers>(t: T, fields: object, patience: number): Promise<Answers[T]> {
    return new Promise((done, failed) => {
      const ws = this.ws
      if (!ws || ws.readyState !== 1) return failed(offline())
      const id = ++this.number
      const timer = setTimeout(() => {
        this.waiting.delete(id)
        failed(offline())
      }, patience)
      this.waiting.set(id, { done: done as (answer: never) => void, failed, timer })
      ws.send(JSON.stringify({ t, id, ...fields }))
    })
  }

  private async connect(): Promise<void> {
    this.retry = undefined
    const tab = await this.world.tab()
    if (this.state.value === 'closed' || this.ws) return
    const ws = (this.ws = this.world.open())
    ws.onopen = () => {
      this.heard = Date.now()
      this.ask('hello', { v: 1, tab }, 10_000).then(
        (welcome) => this.greeted(ws, welcome),
        () => ws.close(),
      )
    }
    ws.onmessage = (event: MessageEvent<string>) => this.take(event.data)
    ws.onclose = (event: CloseEvent) => {
      if (this.ws === ws) this.lost(event.code)
    }
  }

  private greeted(ws: WebSocket, welcome: Welcome): void {
    if (this.ws !== ws) return
    this.tries = 0
    this.welcome.value = welcome
    this.state.value = 'open'
    const every = (welcome.heartbeat || 15) * 1000
    this.beat = setInterval(() => {
      // Two silent heartbeats: the path is gone, whatever the operating system still believes.
      if (Date.now() - this.heard > 2.5 * every) {
        ws.close()
        return this.lost(0)
      }
      this.hint('ping', {})
    }, every)
    for (const caseId of this.watched.keys()) this.hint('watch', { case: caseId })
    for (const go of this.queue.splice(0)) go()
    this.emit('welcome', welcome)
  }

  private take(text: string): void {
    this.heard = Date.now()
    const frame = JSON.parse(text) as { t: string; re?: number; error?: unknown }
    // Who is on duty is kept with the welcome: a view that opens later sees the newest.
    if (frame.t === 'presence' && this.welcome.value) {
      this.welcome.value = { ...this.welcome.value, desks: (frame as unknown as Pushes['presence']).desks }
    }
    if (frame.t !== 'ok' && frame.t !== 'error') return this.emit(frame.t, frame)
    const waiting = this.waiting.get(frame.re ?? 0)
    if (!waiting) return
    this.waiting.delete(frame.re ?? 0)
    clearTimeout(waiting.timer)
    if (frame.t === 'ok') waiting.done(frame as never)
    else waiting.failed(ApiError.from(frame.error, 400))
  }

  private emit(t: string, frame: unknown): void {
    for (const listener of [...(this.listeners.get(t) ?? [])]) listener(frame as never)
  }

  private drop(): void {
    clearInterval(this.beat)
    this.ws = null
    for (const waiting of this.waiting.values()) {
      clearTimeout(waiting.timer)
      waiting.failed(offline())
    }
    this.waiting.clear()
    if (this.state.value === 'closed') for (const go of this.queue.splice(0)) go()
  }

  private lost(code: number): void {
    const final = code === CLOSED.signedOut || code === CLOSED.origin ? 'signed_out' : code === CLOSED.replaced ? 'replaced' : ''
    this.state.value = final ? 'closed' : 'reconnecting'
    this.ended.value = final
    this.drop()
    if (!final) this.retry = setTimeout(() => void this.connect(), backoff(this.tries++, this.world.random))
  }
}
