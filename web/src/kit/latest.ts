/**
 * Tells whether an answer is still wanted. Each call of what is returned is one asking; what it gives back says
 * whether nobody has asked since. On a slow line the answer to an older question comes after the newer one's.
 */
export function latest(): () => () => boolean {
  let asked = 0
  return () => {
    const mine = ++asked
    return () => mine === asked
  }
}
