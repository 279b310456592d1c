// A person without a browser: signs in wherever a URL leads, agrees, and stops where the
// application begins.
//   node person.mjs LINK NAME REDIRECT    prints the answer that the application gets
//   node person.mjs LINK NAME             goes on to a page with nothing to fill in, and prints it
import { fileURLToPath } from 'node:url';

const decode = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#x3D;', '=');
const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}="([^"]*)"`));
  return found ? decode(found[1]) : undefined;
};

export const agree = (link, name, redirect, password) => browse(link, name, redirect, password);

// What the person reads at last, after a link that no application gets an answer of.
export const visit = (link, name) => browse(link, name);

async function browse(link, name, redirect, password = `${name}-password`) {
  const cookies = new Map();
  let [url, form] = [new URL(link), undefined];
  for (let page = 0; page < 30; page++) {
    if (redirect && url.href.startsWith(redirect)) return url.searchParams;
    const jar = cookies.get(url.host) ?? new Map();
    cookies.set(url.host, jar);
    const answer = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form,
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: [...jar].map((pair) => pair.join('=')).join('; ') },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, key, value] = cookie.match(/^([^=]+)=([^;]*)/);
      value ? jar.set(key, value) : jar.delete(key);
    }
    // A stand-in goes on by a header of its page.
    const refresh = answer.headers.get('refresh')?.match(/^0;url=(.*)$/)?.[1];
    const onward = answer.headers.get('location') ?? refresh;
    if (onward) {
      [url, form] = [new URL(onward, url), undefined];
      continue;
    }
    const html = await answer.text();
    const found = html.match(/<form[^>]*>[\s\S]*?<\/form>/)?.[0];
    // The development sign-in has a link for each person, in place of a form.
    const person = [...html.matchAll(/<a\s[^>]*>([^<]*)<\/a>/g)].find(([, text]) => text.trim() === name);
    if (!found && person) {
      url = new URL(attribute(person[0], 'href'), url);
      continue;
    }
    if (!found && !redirect && answer.ok) return html;
    if (!found) throw new Error(`nothing to fill in at ${url} (${answer.status}): ${html.slice(0, 400)}`);
    form = new URLSearchParams();
    for (const [input] of found.matchAll(/<input[^>]*>/g)) {
      const field = attribute(input, 'name');
      const type = attribute(input, 'type');
      if (type === 'radio' && attribute(input, 'value') !== name) continue;
      const typed = type === 'password' ? password : name;
      if (field) form.set(field, attribute(input, 'value') || (type === 'hidden' ? '' : typed));
    }
    const buttons = [...found.matchAll(/<button[^>]*>/g)].map(([button]) => button);
    const yes = buttons.find((button) => /value="(accept|allow|approve)"/.test(button));
    if (yes) form.set(attribute(yes, 'name'), attribute(yes, 'value'));
    url = new URL(attribute(found.match(/<form[^>]*>/)[0], 'action') ?? '', url);
  }
  throw new Error('too many pages');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(String(await browse(...process.argv.slice(2))));
