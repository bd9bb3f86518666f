// A defect in words that stand alone: which paper it is about is said, once.
import { say, type Said } from './i18n'

interface Named { code: string; name: string; name_en?: string }

interface Told { material?: string | null; zh?: string; en?: string }

export function withPaper(defect: Told, materials: readonly Named[]): Said {
  const { zh = '', en = '' } = defect
  const paper = materials.find((one) => one.code === defect.material)
  if (!paper) return { zh, en }
  const english = paper.name_en || paper.name
  const bare = (words: string): boolean => ![paper.name, english].some((name) => words.includes(name))
  return { zh: bare(zh) ? `「${paper.name}」:${zh}` : zh, en: en && bare(en) ? `${english}: ${en}` : en }
}
export const defectWords = (defect: Told, materials: readonly Named[]): string => say(withPaper(defect, materials))
