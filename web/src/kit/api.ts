// The typed way to the server: paths, bodies and replies are those of /api/openapi.json.
import type { components, paths } from '../types/api'
import type { Said } from './i18n'
import { uuid7 } from './ids'

export type Schemas = components['schemas']
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type Operation<P extends keyof paths, M extends Method> = Extract<paths[P][M], { responses: unknown }>
type With<M extends Method> = { [P in keyof paths]: [Operation<P, M>] extends [never] ? never : P }[keyof paths]
type Json<T> = T extends { content: { 'application/json': infer J } } ? J : undefined
type Reply<O> = O extends { responses: infer R }
  ? Json<R extends { 200: infer A } ? A : R extends { 201: infer A } ? A : never>
  : never
type Body<O> = O extends { requestBody: infer B } ? Json<B> : undefined
type Path<O> = O extends { parameters: { path: infer P } } ? P : undefined
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : undefined
type Opt<K extends string, T> = [T] extends [undefined] ? object : { [key in K]: T }
type Options<O> = Opt<'path', Path<O>> &
  Opt<'body', Body<O>> & {
    query?: { [key in keyof NonNullable<Query<O>>]?: string | number | boolean | undefined }
    /** The same key = the same operation, however often it is sent. */
    key?: string
    signal?: AbortSignal
  }
type Args<O> = object extends Options<O> ? [options?: Options<O>] : [options: Options<O>]

/** A refusal as the server words it; also what the page itself says when nothing came back. */
export class ApiError extends Error implements Said {
  constructor(
    readonly code: string,
    readonly zh: string,
    readonly en: string,
    readonly todo_zh = '',
    readonly todo_en = '',
    readonly details: Record<string, unknown> = {},
    readonly status = 0,
  ) {
    super(`${code}: ${en}`)
    this.name = 'ApiError'
  }

  /** Sentences that belong to one entry of a form: `details.fields`. */
  get fields(): Record<string, string> {
    const fields = this.details['fields']
    return fields && typeof fields === 'object' ? (fields as Record<string, string>) : {}
  }

  static from(body: unknown, status: number): ApiError {
    const b = (body ?? {}) as Partial<Schemas['ErrorReply']>
    if (!b.code || !b.zh) return status >= 500 || !status ? unavailable(status) : odd(status)
    return new ApiError(b.code, b.zh, b.en ?? b.zh, b.todo_zh, b.todo_en, b.details, status)
  }
}

const unavailable = (status: number): ApiError =>
  new ApiError('unavailable', '服务器暂时没有响应,这一步没有做成,之前的内容都在。',
    'The server is not answering; nothing was changed.', '请稍等一分钟再试。', 'Try again in a minute.', {}, status)
const odd = (status: number): ApiError =>
  new ApiError('refused', '这一步没有做成。', 'This was not done.', '请刷新页面后再试。', 'Reload the page and try again.',
    {}, status)
export const offline = (): ApiError =>
  new ApiError('offline', '线路断了,刚才这一步没有送到。', 'The line is down; this did not reach the server.',
    '已填写的内容都在,线路恢复后再按一次。', 'What you entered is kept; press again when the line is back.')

/** Anything thrown, as something that can be shown. */
export function asError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('page_fault', '页面出了点问题,已保存的内容都在。',
    'The page had a fault; what was saved is safe.', '请按 F5 刷新页面。', 'Press F5 to reload.', { why: String(error) })
}

let csrf = ''
let onSignedOut: () => void = () => undefined
export const setCsrf = (token: string): void => void (csrf = token)
export const csrfToken = (): string => csrf
/** Called when the server says that the session is over (401). */
export const whenSignedOut = (then: () => void): void => void (onSignedOut = then)

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** A request that did not arrive is sent again (same key: done once), an answer never is. */
const AGAIN = [300, 1200]

export async function send(
  method: string,
  path: string,
  options: { body?: unknown; key?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method !== 'GET') {
    headers['Idempotency-Key'] = options.key ?? uuid7()
    if (csrf) headers['X-CSRF-Token'] = csrf
  }
  // A page that is being left still sends its removals.
  const init: RequestInit = {
    method, headers, credentials: 'same-origin', signal: options.signal ?? null, keepalive: method === 'DELETE',
  }
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json'
    init.body = JSON.stringify(options.body)
  }
  for (let tries = 0; ; tries++) {
    try {
      const answer = await fetch(path, init)
      if (answer.ok) return answer
      const error = ApiError.from(await answer.json().catch(() => null), answer.status)
      if (answer.status === 401 && error.code === 'not_signed_in') onSignedOut()
      throw error
    } catch (error) {
      if (error instanceof ApiError || options.signal?.aborted) throw error
      const pause = AGAIN[tries]
      if (pause === undefined) throw offline()
      await wait(pause)
    }
  }
}

/** `/api/v1/cases/{case_id}` with its parameters and query filled in. */
export function address(path: string, fill: object = {}, query: object = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((fill as Record<string, unknown>)[name])))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value))
  }
  return search.size ? `${filled}?${search}` : filled
}

function caller<M extends Method>(method: M) {
  return async <P extends With<M>>(path: P, ...args: Args<Operation<P, M>>): Promise<Reply<Operation<P, M>>> => {
    const options = (args[0] ?? {}) as { path?: object; query?: object; body?: unknown; key?: string }
    const answer = await send(method.toUpperCase(), address(path as string, options.path, options.query), options)
    return (answer.status === 204 ? undefined : await answer.json()) as Reply<Operation<P, M>>
  }
}

export const api = {
  get: caller('get'),
  post: caller('post'),
  put: caller('put'),
  delete: caller('delete'),
}
