import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** `PLIMSOLL_API` names the server to develop against: `PLIMSOLL_API=http://127.0.0.1:7777 npx vite web`. */
const server = process.env.PLIMSOLL_API ?? 'http://127.0.0.1:7777';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsDir: 'assets',
    target: 'es2023',
    // An inlined asset would be a data: URL, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // The server takes changes from its own page alone: what comes through here is to look as if it came from there.
  server: { proxy: { '/api': { target: server, changeOrigin: true, headers: { origin: server } } } },
});
