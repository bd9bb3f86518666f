// A signature as SVG path data (pure): integers on a field of 1000 × 400, points closer than 3 dropped.
export const FIELD = { w: 1000, h: 400 } as const
const LONGEST = 200_000

export interface Point {
  x: number
  y: number
}

export function pathOf(strokes: readonly (readonly Point[])[]): string {
  let path = ''
  for (const stroke of strokes) {
    const [first, ...rest] = stroke
    if (!first) continue
    let last = first
    path += `M${first.x} ${first.y}`
    // A dot is a stroke too.
    if (!rest.length) path += `L${first.x + 1} ${first.y}`
    for (const point of rest) {
      if (Math.abs(point.x - last.x) + Math.abs(point.y - last.y) < 3) continue
      path += `L${point.x} ${point.y}`
      last = point
    }
  }
  return path.slice(0, LONGEST)
}

/** Long enough to be somebody's writing, not a slip of the hand. */
export function isSigned(strokes: readonly (readonly Point[])[]): boolean {
  let length = 0
  for (const stroke of strokes) {
    for (let at = 1; at < stroke.length; at++) {
      length += Math.hypot(stroke[at]!.x - stroke[at - 1]!.x, stroke[at]!.y - stroke[at - 1]!.y)
    }
  }
  return length > 150
}
