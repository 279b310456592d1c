import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  base: './',
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: '../views/board-react',
    emptyOutDir: true,
    target: 'es2022',
    // Those that know `light-dark()`.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    // A page is one script, under a name that stays.
    rolldownOptions: {
      output: { codeSplitting: false, entryFileNames: '[name].js', assetFileNames: '[name][extname]' },
    },
  },
});
