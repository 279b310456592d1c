// What the host says about its looks, applied to the page; what the page's size is, told to the host.

interface Styles {
  variables?: Record<string, string | undefined>;
  css?: { fonts?: string };
}

/** The browser's own preference, until the host says more. */
export function preferredTheme(): 'light' | 'dark' {
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function applyTheme(theme: string): void {
  const root = document.documentElement;
  root.dataset.theme = theme;
  root.style.colorScheme = theme;
}

export function applyStyles({ variables = {}, css }: Styles): void {
  const root = document.documentElement;
  for (const [name, value] of Object.entries(variables)) {
    if (name.startsWith('--') && value !== undefined) root.style.setProperty(name, value);
  }
  if (css?.fonts) {
    const id = 'toolgate-fonts';
    const sheet = document.getElementById(id) ?? document.head.appendChild(document.createElement('style'));
    sheet.id = id;
    sheet.textContent = css.fonts;
  }
}

/** Tells every change of the page's size; returns what ends it. */
export function watchSize(report: (size: { width: number; height: number }) => void): () => void {
  const root = document.documentElement;
  let [width, height, frame] = [0, 0, 0];
  const measure = () => {
    frame = 0;
    // What the content wants, not what the frame gives.
    const { style } = root;
    const own = style.height;
    style.height = 'max-content';
    const size = { width: Math.ceil(innerWidth), height: Math.ceil(root.getBoundingClientRect().height) };
    style.height = own;
    if (size.width === width && size.height === height) return;
    ({ width, height } = size);
    report(size);
  };
  const observer = new ResizeObserver(() => (frame ||= requestAnimationFrame(measure)));
  observer.observe(root);
  if (document.body) observer.observe(document.body);
  return () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  };
}
