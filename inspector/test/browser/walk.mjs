// A test in the browser, with a server and a page of its own.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { serve } from '../fixture/serve.mjs';
import { MAX_TEST, launch, open } from './browser.mjs';

let launched;
after(async () => (await launched)?.close());

/** A test with a server and a page of its own, of which the browser must not complain. */
export function walk(name, run, options = {}, access = 'dev') {
  test(name, MAX_TEST, async () => {
    const server = await serve({ access });
    launched ??= launch();
    const { page, context, complaints } = await open(await launched, server, options);
    try {
      await run(page, { server, context });
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
      server.close();
    }
  });
}
