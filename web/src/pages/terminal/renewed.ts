// The server was renewed while this page was open: the parts it has not loaded yet are gone by their old names.
// It is then opened anew. The step is in the address, what was typed is kept (see drafts).

/** Is the page that the server gives now another one than the page that is open? False while nothing answers. */
async function renewed(): Promise<boolean> {
  const begun = document.querySelector('script[type=module][src]')?.getAttribute('src')
  if (!begun) return false
  const answer = await fetch(location.pathname, { cache: 'no-store' }).catch(() => null)
  return answer?.ok ? !(await answer.text()).includes(begun) : false
}

addEventListener('vite:preloadError', () => void renewed().then((is) => is && location.reload()))
