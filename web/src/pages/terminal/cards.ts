// What the scanned ID cards say, offered to the form. Nothing is entered by itself: somebody compares and takes it.
import { computed, ref, watch } from 'vue'
import { api, type Schemas } from '../../kit'
import { coalesced } from './coalesced'
import { can, kase } from './store'

export type Card = Schemas['CardView']
export type CardField = 'name' | 'id_number' | 'address' | 'sex' | 'people' | 'birth'

const said = ref<Schemas['SuggestionsReply']>({ cards: [], hints: [] })
let of = ''
export const cards = computed(() => said.value.cards)
export const hints = computed(() => said.value.hints)

const ask = coalesced(async () => {
  const id = kase.value?.case_id
  if (!id || !can('applicant') || !kase.value?.pages.length) return
  // Reading comes behind everything else; what fails is asked again with the next change of the case.
  await api.get('/api/v1/cases/{case_id}/suggestions', { path: { case_id: id } }).then((reply) => {
    if (kase.value?.case_id === id) said.value = reply
  }, () => undefined)
})
watch(() => [kase.value?.case_id, kase.value?.seq] as const, ([id]) => {
  if (of !== (id ?? '')) said.value = { cards: [], hints: [] }
  of = id ?? ''
  void ask()
}, { immediate: true })

const plain = (text: string): string => text.replace(/[\s·•・]+/g, '').toUpperCase()

/** What cards say of `field` and is not typed already; a card that is somebody else's (`but`) is not asked. */
export function offers(all: readonly Card[], field: CardField, typed: string, but = ''): string[] {
  const values = all.filter((card) => !but || plain(card.id_number) !== plain(but)).map((card) => card[field])
  if (values.some((value) => value && plain(value) === plain(typed))) return []
  return [...new Set(values.filter(Boolean))].slice(0, 3)
}

/** Which entry of a card belongs to a field of an item's form, by the field's name. */
export function fieldFor(label: string): CardField | null {
  const known: Record<string, CardField> = { 性别: 'sex', 民族: 'people', 出生日期: 'birth', 出生年月日: 'birth', 户籍地址: 'address', 身份证住址: 'address' }
  return known[label.trim()] ?? null
}
