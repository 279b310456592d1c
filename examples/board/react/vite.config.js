import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

// A view is one HTML file: the plugin puts the script and the styles into it.
export default defineConfig({
  plugins: [react(), viteSingleFile({ removeViteModuleLoader: true })],
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: '../views',
    emptyOutDir: false,
    target: 'es2022',
    // Browsers that support `light-dark()`.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    rolldownOptions: { input: 'board-react.html' },
  },
});
