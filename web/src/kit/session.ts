// Who is signed in. `undefined` = not asked yet, `null` = nobody.
import { ref } from 'vue'
import { ApiError, api, setCsrf, whenSignedOut, type Schemas } from './api'

export type Session = Schemas['SessionReply']
export const session = ref<Session | null>()

function take(found: Session | null): void {
  setCsrf(found?.csrf ?? '')
  session.value = found
}
whenSignedOut(() => take(null))

/** Ask the server who this is; nobody is a fine answer, a dead line is thrown. */
export async function loadSession(): Promise<void> {
  try {
    take(await api.get('/api/v1/session'))
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
    take(null)
  }
}

export async function login(name: string, password: string): Promise<void> {
  take(await api.post('/api/v1/session', { body: { login: name, password } }))
}

export async function logout(): Promise<void> {
  await api.delete('/api/v1/session')
  take(null)
}
