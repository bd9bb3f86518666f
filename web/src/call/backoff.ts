/**
 * Milliseconds to wait before try number `tries` (0 = first): doubling from 0.5 s to 15 s, each shortened by
 * up to half at random, so that 150 villages do not come back in the same instant after a restart.
 */
export function backoff(tries: number, random: () => number = Math.random): number {
  const full = Math.min(15_000, 500 * 2 ** Math.min(tries, 10))
  return Math.round(full * (1 - random() / 2))
}
