// The second screen follows the terminal in the same browser: whole states over a BroadcastChannel,
// and what the applicant does there (agrees, signs, rates) comes back the same way.
export interface SecondState {
  screen: 'idle' | 'intake' | 'scan' | 'consent' | 'waiting' | 'speaking' | 'decided' | 'sign' | 'rate' | 'thanks'
  village: string
  item: string
  /** Materials still to hand over, in words. */
  bring: string[]
  /** Who speaks, where they are. */
  speaker: string
  place: number
  result: '' | 'approved' | 'refused' | 'returned'
  sentence: string
  pages: string
}
export type SecondAct = { act: 'agree' } | { act: 'signature'; path: string } | { act: 'rate'; level: number }

type Note = { kind: 'state'; state: SecondState } | { kind: 'ask' } | ({ kind: 'act' } & SecondAct)

export const IDLE: SecondState = {
  screen: 'idle', village: '', item: '', bring: [], speaker: '', place: 0, result: '', sentence: '', pages: '',
}

/** The terminal's end. */
export class SecondLink {
  private readonly channel = new BroadcastChannel('vc-second')
  private state: SecondState = IDLE
  private listener: (act: SecondAct) => void = () => undefined

  constructor() {
    this.channel.onmessage = ({ data }: MessageEvent<Note>) => {
      if (data.kind === 'ask') this.channel.postMessage({ kind: 'state', state: this.state } satisfies Note)
      if (data.kind === 'act') this.listener(data)
    }
  }

  show(state: Partial<SecondState>): void {
    const next = { ...IDLE, village: this.state.village, ...state }
    if (JSON.stringify(next) === JSON.stringify(this.state)) return
    this.state = next
    this.channel.postMessage({ kind: 'state', state: next } satisfies Note)
  }

  /** One listener at a time: the step on the screen. */
  listen(listener: (act: SecondAct) => void): () => void {
    this.listener = listener
    return () => {
      if (this.listener === listener) this.listener = () => undefined
    }
  }
}

/** The second screen's end: tells `show` every state; gives the way to answer. */
export function followTerminal(show: (state: SecondState) => void): (act: SecondAct) => void {
  const channel = new BroadcastChannel('vc-second')
  channel.onmessage = ({ data }: MessageEvent<Note>) => {
    if (data.kind === 'state') show(data.state)
  }
  channel.postMessage({ kind: 'ask' } satisfies Note)
  return (act) => channel.postMessage({ kind: 'act', ...act })
}
