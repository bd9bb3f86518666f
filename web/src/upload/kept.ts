// Files that are going up, kept by the browser (IndexedDB) until the server has them whole: a reload, a crash
// or a power cut costs at most the piece that was on its way.
export interface Kept {
  id: string
  caseId: string
  material: string
  name: string
  file: Blob
  replaces: string
}

function open(): Promise<IDBDatabase> {
  return new Promise((done, failed) => {
    const ask = indexedDB.open('vc-uploads', 1)
    ask.onupgradeneeded = () => void ask.result.createObjectStore('files', { keyPath: 'id' })
    ask.onsuccess = () => done(ask.result)
    ask.onerror = () => failed(ask.error)
  })
}

async function within<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  try {
    const db = await open()
    return await new Promise<T>((done, failed) => {
      const work = db.transaction('files', mode)
      const ask = act(work.objectStore('files'))
      work.oncomplete = () => (db.close(), done(ask.result))
      work.onerror = work.onabort = () => failed(work.error)
    })
  } catch {
    return undefined // without storage the upload still goes up, it only does not survive a reload
  }
}

export const keep = async (one: Kept): Promise<void> => void (await within('readwrite', (store) => store.put(one)))
export const drop = async (id: string): Promise<void> => void (await within('readwrite', (store) => store.delete(id)))
export const dropAll = async (): Promise<void> => void (await within('readwrite', (store) => store.clear()))
export const kept = async (): Promise<Kept[]> => (await within<Kept[]>('readonly', (store) => store.getAll())) ?? []
