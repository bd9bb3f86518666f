/**
 * `work`, never twice at the same time: asked for while it runs, it runs once more afterwards, however often
 * it was asked. The answer is there when what was asked for has been seen.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  const run = (): Promise<void> => {
    running = work().finally(() => (running = null))
    return running
  }
  return () => {
    if (!running) return run()
    return (next ??= running.then(() => {
      next = null
      return run()
    }))
  }
}
