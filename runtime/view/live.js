// Live reload for the development of a widget: reloads the page when its file changes.
(() => {
  const { live: uri, page } = document.currentScript.dataset;
  const id = 'toolgate-live';
  // The notifications of the host about the tool, which the new page gets as well.
  const heard = (window.toolgateHeard ??= {});
  let asks = false;
  const ask = () => {
    if (document.visibilityState !== 'visible') return void setTimeout(ask, 1000);
    parent.postMessage({ jsonrpc: '2.0', id, method: 'resources/read', params: { uri } }, '*');
  };
  addEventListener('message', ({ source, data }) => {
    if (source !== parent || data?.jsonrpc !== '2.0') return;
    if (/^ui\/notifications\/tool-/.test(data.method)) heard[data.method] = data;
    if (!asks) {
      asks = true;
      setTimeout(ask, 1000);
    }
    if (data.id !== id || data.method) return;
    const text = data.result?.contents?.[0]?.text;
    // Some hosts do not forward requests of their pages for resources.
    if (typeof text !== 'string') return;
    if (text.includes(`data-page="${page}"`)) return void setTimeout(ask, 1000);
    const said = Object.values(heard);
    document.open();
    document.write(text);
    document.close();
    // The tool was called before this page was loaded.
    const tell = () => said.forEach((data) => dispatchEvent(new MessageEvent('message', { data, source: parent })));
    setTimeout(tell, 200);
  });
})();
