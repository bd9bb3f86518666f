// One connection to the media node. The browser offers, the node answers, never a renegotiation:
// own sound and picture first, then three slots of one sound and one picture each (PROTOCOL.md, Media).
import type { Slot } from './wire'

export const SLOTS = 3

export interface PeerWorld {
  create: (config: RTCConfiguration) => RTCPeerConnection
  /** Send the offer, get the answer. */
  offer: (sdp: string) => Promise<{ sdp: string; slots: Slot[] }>
  candidate: (candidate: RTCIceCandidateInit | null) => void
  /** The path is up, is in doubt, or is gone for good. */
  path: (state: 'up' | 'doubt' | 'gone') => void
}

export class Peer {
  readonly pc: RTCPeerConnection
  private readonly audio: RTCRtpTransceiver
  private readonly video: RTCRtpTransceiver
  private closed = false

  constructor(private readonly world: PeerWorld, ice: RTCIceServer[], local: MediaStream) {
    // An empty list is passed as it is: without one a browser would still ask nobody, but says nothing either.
    const pc = (this.pc = world.create({ iceServers: ice, bundlePolicy: 'max-bundle' }))
    const own = (kind: 'audio' | 'video'): RTCRtpTransceiver =>
      pc.addTransceiver(local.getTracks().find((track) => track.kind === kind) ?? kind, { direction: 'sendonly', streams: [local] })
    this.audio = own('audio')
    this.video = own('video')
    for (let slot = 0; slot < SLOTS; slot++) {
      pc.addTransceiver('audio', { direction: 'recvonly' })
      pc.addTransceiver('video', { direction: 'recvonly' })
    }
    pc.onconnectionstatechange = () => {
      if (this.closed) return
      const path = ({ connected: 'up', disconnected: 'doubt', failed: 'gone', closed: 'gone' } as const)[pc.connectionState as 'connected']
      if (path) world.path(path)
    }
  }

  /** Offer, wait for the answer, then send the candidates found meanwhile. */
  async connect(): Promise<Slot[]> {
    const early: (RTCIceCandidateInit | null)[] = []
    let answered = false
    this.pc.onicecandidate = ({ candidate }) => {
      const found = candidate ? candidate.toJSON() : null
      if (answered) this.world.candidate(found)
      else early.push(found)
    }
    const offer = await this.pc.createOffer()
    await this.pc.setLocalDescription(offer)
    const { sdp, slots } = await this.world.offer(offer.sdp ?? '')
    if (this.closed) return slots
    await this.pc.setRemoteDescription({ type: 'answer', sdp })
    answered = true
    for (const found of early) this.world.candidate(found)
    return slots
  }

  /** The stream of a slot: the tracks of its two m-lines. */
  stream(slot: Slot): MediaStream {
    const tracks = this.pc.getTransceivers()
      .filter((line) => line.mid !== null && (line.mid === slot.audio_mid || line.mid === slot.video_mid))
      .map((line) => line.receiver.track)
    return new MediaStream(tracks)
  }

  /** Another camera or microphone, without a new offer. */
  async replace(local: MediaStream): Promise<void> {
    await this.audio.sender.replaceTrack(local.getAudioTracks()[0] ?? null)
    await this.video.sender.replaceTrack(local.getVideoTracks()[0] ?? null)
  }

  /** Whether anything arrives within `ms`. A node that was restarted is silent long before ICE gives the path up. */
  async flows(ms: number): Promise<boolean> {
    const bytes = async (): Promise<number> => {
      let sum = 0
      for (const one of (await this.pc.getStats()).values()) if (one.type === 'inbound-rtp') sum += one.bytesReceived ?? 0
      return sum
    }
    const before = await bytes()
    await new Promise((done) => setTimeout(done, ms))
    return (await bytes()) > before
  }

  close(): void {
    this.closed = true
    this.pc.close()
  }
}
