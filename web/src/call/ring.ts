// The bell, made by the browser itself: two soft tones every two seconds, no sound file.
let context: AudioContext | undefined
let timer: ReturnType<typeof setInterval> | undefined

function tone(at: number, pitch: number): void {
  if (!context) return
  const oscillator = context.createOscillator()
  const volume = context.createGain()
  oscillator.frequency.value = pitch
  volume.gain.setValueAtTime(0, at)
  volume.gain.linearRampToValueAtTime(0.25, at + 0.03)
  volume.gain.exponentialRampToValueAtTime(0.001, at + 0.6)
  oscillator.connect(volume).connect(context.destination)
  oscillator.start(at)
  oscillator.stop(at + 0.65)
}

/** Ring until `stopRinging`. Browsers allow sound only after somebody has touched the page once. */
export function startRinging(): void {
  if (timer) return
  context ??= new AudioContext()
  void context.resume()
  const once = (): void => {
    if (!context) return
    tone(context.currentTime, 784)
    tone(context.currentTime + 0.35, 659)
  }
  once()
  timer = setInterval(once, 2000)
}

export function stopRinging(): void {
  clearInterval(timer)
  timer = undefined
}

/** One short tone: it is our turn. */
export function chime(): void {
  startRinging()
  stopRinging()
}
