/** Builds the page that both shells serve: `out/renderer`, with relative paths so that app:// and HTTP can host it. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'renderer',
  base: './',
  plugins: [svelte({ configFile: false })],
  build: {
    // DESIGN.md and look/tokens.css: nothing newer than Chromium 108 may be needed.
    target: 'chrome108',
    cssTarget: 'chrome108',
    outDir: '../out/renderer',
    emptyOutDir: true,
    // A data: URI for a small asset would need an exception in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
  },
});
