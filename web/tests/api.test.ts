import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { address, api, ApiError, asError, setCsrf, whenSignedOut } from '../src/kit/api'

const answers: (Response | Error)[] = []
const asked: { url: string; init: RequestInit }[] = []
beforeEach(() => {
  answers.length = asked.length = 0
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push({ url, init })
    const next = answers.shift() ?? Response.json({})
    if (next instanceof Error) throw next
    return next
  })
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  setCsrf('')
})
const header = (at: number, name: string) => (asked[at]!.init.headers as Record<string, string>)[name]
const refusal = { code: 'conflict', zh: '刚刚被别人更新了', en: 'changed', todo_zh: '再看一遍', todo_en: 'look', details: { fields: { name: '太长' } } }

describe('requests', () => {
  it('fill in the path and query, and leave out what is empty', () => {
    expect(address('/api/v1/cases/{case_id}', { case_id: 'a/b' })).toBe('/api/v1/cases/a%2Fb')
    expect(address('/api/v1/items', {}, { q: '老年', field: '', limit: 5, level: undefined })).toBe('/api/v1/items?q=%E8%80%81%E5%B9%B4&limit=5')
  })

  it('that change something carry the token of the session and a key', async () => {
    setCsrf('token')
    await api.post('/api/v1/cases/{case_id}/claim', { path: { case_id: 'c' } })
    await api.get('/api/v1/session')
    expect(header(0, 'X-CSRF-Token')).toBe('token')
    expect(header(0, 'Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/)
    expect([header(1, 'X-CSRF-Token'), header(1, 'Idempotency-Key')]).toEqual([undefined, undefined])
  })

  it('that did not arrive are sent again under the same key', async () => {
    answers.push(new TypeError('network'), new TypeError('network'))
    const job = api.post('/api/v1/cases/{case_id}/submit', { path: { case_id: 'c' } })
    await vi.runAllTimersAsync()
    await job
    expect(new Set([0, 1, 2].map((at) => header(at, 'Idempotency-Key'))).size).toBe(1)
  })

  it('a dead line is said as such, with what to do', async () => {
    answers.push(...[1, 2, 3].map(() => new TypeError('network')))
    const job = expect(api.get('/api/v1/fields')).rejects.toMatchObject({ code: 'offline', todo_zh: expect.stringContaining('线路恢复') })
    await vi.runAllTimersAsync()
    await job
  })

  it('a refusal is never repeated and keeps its words and details', async () => {
    answers.push(Response.json(refusal, { status: 409 }))
    const error = await api.get('/api/v1/fields').catch((thrown) => thrown as ApiError)
    expect(error).toMatchObject({ code: 'conflict', status: 409, zh: '刚刚被别人更新了', fields: { name: '太长' } })
    expect(asked.length).toBe(1)
  })

  it('the end of the session is told to the page', async () => {
    const out = vi.fn()
    whenSignedOut(out)
    answers.push(Response.json({ ...refusal, code: 'not_signed_in' }, { status: 401 }))
    await api.get('/api/v1/devices').catch(() => undefined)
    answers.push(Response.json({ ...refusal, code: 'wrong_password' }, { status: 401 }))
    await api.post('/api/v1/session', { body: { login: 'a', password: 'b' } }).catch(() => undefined)
    expect(out).toHaveBeenCalledTimes(1)
  })

  it('an answer that is no refusal of ours still has a sentence', async () => {
    answers.push(new Response('<html>bad gateway', { status: 502 }))
    await expect(api.get('/api/v1/fields')).rejects.toMatchObject({ code: 'unavailable' })
    expect(asError(new Error('x'))).toMatchObject({ code: 'page_fault' })
  })
})
