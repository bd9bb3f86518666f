import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// Five pages, one build; the result is part of the Python package, so that installing it needs no Node.
export default defineConfig({
  root: here('.'),
  base: '/',
  publicDir: false,
  plugins: [vue()],
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
  build: {
    target: 'es2022',
    outDir: here('../villagecall/http/pages'),
    emptyOutDir: true,
    assetsDir: 'assets',
    // The content security policy allows our own files only: nothing as data:, nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      input: ['public', 'terminal', 'second', 'desk', 'admin'].map((page) => here(`${page}.html`)),
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.ts'],
  },
})
