// RFC 9562, section 5.7: UUIDv7. Who creates a thing names it, so that a retry is the same thing.
let last = 0
let count = 0

export function uuid7(now: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(10))
  // Within one millisecond the 12 bits of rand_a count up: ids of one page stay in order.
  if (now > last) {
    last = now
    count = ((random[0]! << 8) | random[1]!) & 0x7ff
  } else if (++count > 0xfff) {
    last += 1
    count = 0
  }
  const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0')
  const tail = [...random.subarray(2)].map((byte, at) => hex(at ? byte : (byte & 0x3f) | 0x80, 2)).join('')
  const head = hex(last, 12)
  return `${head.slice(0, 8)}-${head.slice(8)}-7${hex(count, 3)}-${tail.slice(0, 4)}-${tail.slice(4)}`
}
