// People in the browser: the windows that a click opens, and what they answer there.
import { MAX_WAIT } from '../browser/browser.mjs';

/** The window that a click opens. */
export async function windowOf(context, click) {
  const opened = context.waitForEvent('page');
  await click();
  const popup = await opened;
  popup.setDefaultTimeout(MAX_WAIT);
  await popup.waitForLoadState();
  return popup;
}

/** Says yes on every page of the server and of forge, as `user`, until the window says that it can be closed. */
export async function consent(popup, user = 'alice') {
  for (let pages = 0; pages < 8; pages++) {
    const done = popup.getByText(/You can close this (page|window)/);
    const allow = popup.getByRole('button', { name: /^(Allow|Approve|Continue)/ });
    const name = popup.getByLabel('User name');
    const person = popup.getByRole('link', { name: user, exact: true });
    await done.or(allow).or(name).or(person).first().waitFor();
    if (await done.count()) return popup.close();
    const moved = popup.waitForEvent('framenavigated');
    if (await name.count()) {
      await name.fill(user);
      await popup.getByLabel('Password').fill(`${user}-password`);
      await popup.getByRole('button', { name: 'Sign in' }).click();
    } else if (await person.count()) {
      await person.click();
    } else {
      await allow.click();
    }
    await moved;
  }
  throw new Error(`The consent does not end: ${popup.url()}`);
}
