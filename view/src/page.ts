// The theme and styles of the host, applied to the page, and the size of the page, reported to the host.

interface Styles {
  variables?: Record<string, string | undefined>;
  css?: { fonts?: string };
}

/** The preference of the browser, until the host sends a theme. */
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

/** Reports every change of the size of the page. Returns a function that stops. */
export function watchSize(report: (size: { width: number; height: number }) => void): () => void {
  const root = document.documentElement;
  let [width, height, frame] = [0, 0, 0];
  const measure = () => {
    frame = 0;
    // The height of the content, not that of the frame.
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
