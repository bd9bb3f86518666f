// Both languages stand side by side where they are used: a sentence cannot miss its translation,
// a page loads only its own sentences, and the compiler checks what is filled in.
import { lang } from './prefs'

/** A sentence in both languages, as the server sends them. */
export interface Said {
  zh: string
  en: string
}

/** The sentence in the language chosen; reading it in a template follows the switch. */
export function t(zh: string, en: string): string {
  return lang.value === 'zh' ? zh : en
}

/** The sentence of something that carries both. */
export function say(said: Said): string {
  return t(said.zh, said.en || said.zh)
}

/** A name with an optional English one. */
export function named(thing: { name: string; name_en?: string }): string {
  return t(thing.name, thing.name_en || thing.name)
}

/** The name of a case's item. */
export function itemName(of: { item_name: string; item_name_en?: string }): string {
  return t(of.item_name, of.item_name_en || of.item_name)
}

/** 「第 2 页」 joined lists: 、in Chinese, commas in English. */
export function list(words: readonly string[]): string {
  return words.join(t('、', ', '))
}
