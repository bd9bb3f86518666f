import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { CHUNK, metadata, upload } from '../src/upload/tus'

/** A tus 1.0 server that keeps what arrives, and can lose the line. */
class Server {
  got = new Map<string, Uint8Array>()
  length = new Map<string, number>()
  requests: string[] = []
  meta = ''
  /** Requests of this number are cut: before they are stored, or after (the answer is lost). */
  cut = new Map<number, 'before' | 'after'>()

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(new URL(String(input), 'http://x/'), init)
    const body = init?.body ? new Uint8Array(await (init.body as Blob).arrayBuffer()) : new Uint8Array()
    this.requests.push(`${request.method} ${request.headers.get('Upload-Offset') ?? ''}`.trim())
    const how = this.cut.get(this.requests.length)
    if (how === 'before') throw new TypeError('network')
    const answer = this.take(request, body)
    if (how === 'after') throw new TypeError('network')
    return answer
  }

  private take(request: Request, body: Uint8Array): Response {
    const id = 'f1'
    if (request.method === 'POST') {
      if (!this.got.has(id)) {
        this.got.set(id, body)
        this.length.set(id, Number(request.headers.get('Upload-Length')))
        this.meta = request.headers.get('Upload-Metadata') ?? ''
      }
      return this.ok(201, id)
    }
    const have = this.got.get(id)
    if (!have) return Response.json({ code: 'not_found', zh: '没有', en: 'no' }, { status: 404 })
    if (request.method === 'HEAD') return this.ok(200, id)
    if (Number(request.headers.get('Upload-Offset')) !== have.length) return new Response(null, { status: 409 })
    this.got.set(id, Buffer.concat([have, body]))
    return this.ok(204, id)
  }

  private ok(status: number, id: string): Response {
    return new Response(null, { status, headers: { Location: `/api/v1/files/${id}`, 'Upload-Offset': String(this.got.get(id)!.length) } })
  }
}
const bytes = (size: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: size }, (_, n) => (n * 31) % 251)
const whole = (server: Server, size: number): boolean => Buffer.compare(server.got.get('f1')!, bytes(size)) === 0
const send = (server: Server, size: number, more: object = {}) => {
  const seen: number[] = []
  const job = upload({
    to: '/api/v1/cases/c/files', id: 'f1', file: new Blob([bytes(size)]), name: '身份证 正面.jpg', meta: { material: 'idcard', replaces: '' },
    progress: (sent) => seen.push(sent), fetch: server.fetch, pause: async () => undefined, ...more,
  })
  return { job, seen }
}

describe('upload in pieces', () => {
  it('a small file goes up with its creation, in one request', async () => {
    const server = new Server()
    expect(await send(server, 1000).job).toBe('/api/v1/files/f1')
    expect(server.requests).toEqual(['POST'])
    expect(whole(server, 1000)).toBe(true)
  })

  it('a large file in pieces, each told', async () => {
    const server = new Server()
    const { job, seen } = send(server, CHUNK * 2 + 10)
    await job
    expect(server.requests).toEqual(['POST', `PATCH ${CHUNK}`, `PATCH ${2 * CHUNK}`])
    expect(seen).toEqual([CHUNK, 2 * CHUNK, 2 * CHUNK + 10])
    expect(whole(server, CHUNK * 2 + 10)).toBe(true)
  })

  it.each(['before', 'after'] as const)('a cut (%s the piece was stored) goes on where the server stopped', async (how) => {
    const server = new Server()
    server.cut.set(2, how)
    await send(server, CHUNK * 2 + 10).job
    expect(server.requests[2]).toBe('HEAD')
    expect(whole(server, CHUNK * 2 + 10)).toBe(true)
  })

  it('a lost answer to the creation creates nothing twice', async () => {
    const server = new Server()
    server.cut.set(1, 'after')
    await send(server, 1000).job
    expect(server.requests).toEqual(['POST', 'POST'])
    expect(whole(server, 1000)).toBe(true)
  })

  it('after a reload it asks first, and begins what never arrived', async () => {
    const begun = new Server()
    begun.cut.set(2, 'after')
    await send(begun, CHUNK + 5, { pause: () => Promise.reject(new Error('the tab is gone')) }).job.catch(() => undefined)
    await send(begun, CHUNK + 5, { resume: true }).job
    expect(begun.requests).toEqual(['POST', `PATCH ${CHUNK}`, 'HEAD'])
    expect(whole(begun, CHUNK + 5)).toBe(true)

    const never = new Server()
    await send(never, 10, { resume: true }).job
    expect(never.requests).toEqual(['HEAD', 'POST'])
  })

  it('what the server refuses is told, not repeated', async () => {
    const refusal = { code: 'too_large', zh: '文件太大', en: 'too large', todo_zh: '', todo_en: '', details: {} }
    const server = { fetch: async () => Response.json(refusal, { status: 413 }) } as unknown as Server
    await expect(send(server, 10).job).rejects.toMatchObject({ code: 'too_large', status: 413 })
  })

  it('gives up after two minutes of a dead line', async () => {
    const server = { fetch: () => Promise.reject(new TypeError('network')) } as unknown as Server
    await expect(send(server, 10).job).rejects.toMatchObject({ code: 'offline' })
  })

  it('metadata is base64 of UTF-8, empty values left out', () => {
    expect(metadata({ name: '照片.jpg', replaces: '' })).toBe('name 54Wn54mHLmpwZw==')
  })
})
