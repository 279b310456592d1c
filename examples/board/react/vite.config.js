import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

export default defineConfig({
  plugins: [react(), viteSingleFile({ removeViteModuleLoader: true })],
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: '../views',
    emptyOutDir: false,
    target: 'es2022',
    // Those that know `light-dark()`.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    rollupOptions: { input: 'board-react.html' },
  },
});
