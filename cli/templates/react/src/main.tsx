import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { WhoAmI } from './who_am_i';
import './page.css';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <WhoAmI />
  </StrictMode>,
);
