// Frames of docs/PROTOCOL.md as the browser knows them.
import type { Schemas } from '../kit/api'

export type CallView = Schemas['CallView']
export type PartyView = Schemas['PartyView']

/** Where another participant is in my connection. */
export interface Slot {
  index: number
  audio_mid: string
  video_mid: string
  participant: string | null
}
export interface Muted {
  audio: boolean
  video: boolean
}
export type LineWord = 'good' | 'fair' | 'poor'

export interface Welcome {
  v: 1
  person: string
  name: string
  role: string
  unit: string
  unit_name: string
  ice: RTCIceServer[]
  heartbeat: number
  duty: boolean
  call: CallView | null
  desks: Record<string, number>
}

/** Every push of the server, by its `t`. */
export interface Pushes {
  ring: { call: CallView }
  'ring.stop': { call: string; why: 'answered' | 'ended' | 'declined'; by: string }
  'call.state': { call: CallView }
  'call.media': { call: string; slots: Slot[]; muted: Record<string, Muted> }
  'call.quality': { call: string; participant: string; rtt_ms: number; loss_permille: number; word: LineWord }
  'page.shown': { call: string; page: string | null; by: string }
  'page.pointed': { call: string; page: string; x: number; y: number; by: string }
  'queue.changed': object
  'case.changed': { case: string; seq: number; kinds: string[] }
  'file.progress': { case: string; file_id: string; done: number; total: number }
  'device.changed': object
  presence: { desks: Record<string, number> }
  'session.closed': { why: string }
  second: { call?: string; screen: Screen }
}
export type Screen = 'idle' | 'consent' | 'speaking' | 'sign' | 'rate'

/** What each request is answered with, besides `t` and `re`. */
export interface Answers {
  hello: Welcome
  ping: object
  duty: object
  watch: object
  unwatch: object
  'call.start': { call: CallView }
  'call.consent': object
  'call.answer': { call: CallView }
  'call.decline': object
  'call.invite': object
  'call.leave': object
  'call.end': object
  'call.mute': object
  'media.offer': { sdp: string; slots: Slot[] }
  'media.candidate': object
  'page.show': object
  'page.point': object
  second: object
}

export const CLOSED = { signedOut: 4401, origin: 4403, silent: 4408, replaced: 4409, restart: 1012 } as const
