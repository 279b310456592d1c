// Runs in the page of a widget, before it: its console is shown in the inspector as well.
for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  const write = console[level].bind(console);
  console[level] = (...values: unknown[]) => {
    write(...values);
    const text = values.map((value) => (typeof value === 'string' ? value : value instanceof Error ? value.message : JSON.stringify(value))).join(' ');
    parent.postMessage({ toolgate: 'console', level, text: text.slice(0, 2000) }, '*');
  };
}
addEventListener('error', ({ message }) => console.error(message));
