// tus 1.0 (creation, creation-with-upload): a file goes up in pieces of 512 KiB; after a cut it goes on
// where the server says it stopped, so that at most one piece is sent twice.
import { ApiError, csrfToken, offline } from '../kit/api'
import { backoff } from '../call/backoff'

export const CHUNK = 512 * 1024
/** About two minutes of a dead line before the clerk is asked to press again. */
const TRIES = 12

export interface Upload {
  /** Where to create it: `/api/v1/cases/<id>/files`. */
  to: string
  /** The file's UUIDv7, made here: creating it twice makes one. */
  id: string
  file: Blob
  name: string
  meta?: Record<string, string>
  /** It may have been begun before a reload: ask the server first. */
  resume?: boolean
  progress?: (sent: number, total: number) => void
  /** The line is down; it is tried again by itself. */
  cut?: () => void
  signal?: AbortSignal
  /** For tests. */
  fetch?: typeof fetch
  pause?: (ms: number) => Promise<void>
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** `Upload-Metadata`: keys with base64 of the UTF-8 value. */
export function metadata(values: Record<string, string>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key} ${btoa(String.fromCodePoint(...new TextEncoder().encode(value)))}`)
    .join(',')
}

/** Send the whole file; gives the address of the upload. Throws what the server refused. */
export async function upload(job: Upload): Promise<string> {
  const ask = job.fetch ?? fetch.bind(globalThis)
  const pause = job.pause ?? sleep
  const total = job.file.size
  let address = job.resume ? `/api/v1/files/${job.id}` : ''
  let sent = 0
  let tries = job.resume ? 1 : 0

  const request = async (method: string, url: string, headers: Record<string, string>, from?: number): Promise<Response> => {
    const body = from === undefined ? null : job.file.slice(from, from + CHUNK)
    const answer = await ask(url, {
      method,
      credentials: 'same-origin',
      signal: job.signal ?? null,
      headers: {
        'Tus-Resumable': '1.0.0', 'X-CSRF-Token': csrfToken(),
        ...(body && { 'Content-Type': 'application/offset+octet-stream' }), ...headers,
      },
      body,
    })
    if (answer.ok) return answer
    // 409: our idea of the offset is old; 423: the piece before is still being written. HEAD will tell.
    if (answer.status === 409 || answer.status === 423 || answer.status >= 500) throw new Stale()
    throw ApiError.from(await answer.json().catch(() => null), answer.status)
  }

  for (;;) {
    try {
      if (!address) {
        const answer = await request('POST', job.to, {
          'Idempotency-Key': job.id,
          'Upload-Length': String(total),
          'Upload-Metadata': metadata({ file_id: job.id, name: job.name, ...job.meta }),
        }, 0)
        address = new URL(answer.headers.get('Location') ?? '', new URL(job.to, location.href)).pathname
        sent = offset(answer, Math.min(CHUNK, total))
      } else if (tries) {
        sent = offset(await request('HEAD', address, {}), sent)
      }
      while (sent < total) {
        job.progress?.(sent, total)
        const answer = await request('PATCH', address, { 'Upload-Offset': String(sent) }, sent)
        sent = offset(answer, Math.min(sent + CHUNK, total))
        tries = 0
      }
      job.progress?.(total, total)
      return address
    } catch (error) {
      if (job.resume && sent === 0 && error instanceof ApiError && error.status === 404) {
        address = '' // it never arrived: begin it
        tries = 0
        job = { ...job, resume: false }
        continue
      }
      if (error instanceof ApiError || job.signal?.aborted) throw error
      if (++tries > TRIES) throw offline()
      job.cut?.()
      await pause(backoff(tries))
    }
  }
}

class Stale extends Error {}

function offset(answer: Response, otherwise: number): number {
  const said = answer.headers.get('Upload-Offset')
  return said === null ? otherwise : Number(said)
}
