#!/usr/bin/env node
// A person's browser without a window: opens a URL, signs in as alice, agrees to every form, and
// follows redirects, also to a host that listens on this machine. Hosts start it as `xdg-open`.
//   browser.mjs URL    prints the text of the last page. COOKIES is the file that has the cookies.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const decode = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#x3D;', '=');
const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}="([^"]*)"`));
  return found && decode(found[1]);
};

// A host that just started its listener may not be ready yet.
async function request(url, options) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(url, options);
    } catch (error) {
      if (attempt === 600) throw error;
      await new Promise((ready) => setTimeout(ready, 100));
    }
  }
}

// What a person would send: `name` and its password, and yes.
function filled(html, name) {
  const form = html.match(/<form[^>]*method="post"[^>]*>[\s\S]*?<\/form>/i)?.[0];
  if (!form) return undefined;
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    const field = attribute(input, 'name');
    if (field) fields.set(field, attribute(input, 'value') ?? (attribute(input, 'type') === 'password' ? `${name}-password` : name));
  }
  const yes = [...form.matchAll(/<button[^>]*>/g)].map(([button]) => button).find((button) => /value="(allow|approve)"/.test(button));
  if (yes) fields.set(attribute(yes, 'name'), attribute(yes, 'value'));
  return { action: attribute(form.match(/<form[^>]*>/)[0], 'action') ?? '', fields };
}

export async function open(link, cookieFile, name = 'alice') {
  const jars = cookieFile && existsSync(cookieFile) ? JSON.parse(readFileSync(cookieFile, 'utf8')) : {};
  let [url, body] = [new URL(link), undefined];
  for (let page = 0; page < 30; page++) {
    // One jar for each server: they share a name, and have ports of their own.
    const jar = (jars[url.host] ??= {});
    const answer = await request(url, {
      method: body ? 'POST' : 'GET',
      body,
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: Object.entries(jar).map((pair) => pair.join('=')).join('; ') },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, key, value] = cookie.match(/^([^=]+)=([^;]*)/);
      if (value) jar[key] = value;
      else delete jar[key];
    }
    if (cookieFile) writeFileSync(cookieFile, JSON.stringify(jars));
    const onward = answer.headers.get('location');
    if (onward) {
      [url, body] = [new URL(onward, url), undefined];
      continue;
    }
    const html = await answer.text();
    const form = answer.ok && filled(html, name);
    if (!form) return `${answer.status} ${url.origin}${url.pathname}: ${html.replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ').replace(/\s+/g, ' ').trim()}`;
    [url, body] = [new URL(form.action, url), form.fields];
  }
  throw new Error('too many pages');
}

if (process.argv[1] && fileURLToPath(import.meta.url).endsWith(process.argv[1].split('/').pop())) {
  const link = process.argv.find((argument) => /^https?:/.test(argument));
  console.log(await open(link, process.env.COOKIES));
}
