import { render } from 'preact';
import { Shell } from './page/shell.tsx';
import { begin } from './state.ts';

begin();
render(<Shell />, document.getElementById('root')!);
