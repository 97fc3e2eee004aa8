/**
 * Runs a destination module of the user's, forked by path for one report. It owns nothing: no store, no secret, no
 * journal. Whatever this process does or fails to do, the parent counts one attempt and ends it at the deadline.
 *
 *   parent → child   { url, report, kind }       report is the sealed body as text
 *   child → parent   { ok: true } | { ok: false, error }
 *
 * It imports nothing of ours, so that it starts at once and cannot break with us.
 */
type Order = { url: string; report: string; kind: 'report' | 'alert' };

const isOrder = (value: unknown): value is Order =>
  typeof value === 'object' && value !== null && 'url' in value && 'report' in value;

const worded = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`;

const deliver = async ({ url, report, kind }: Order): Promise<void> => {
  const loaded: unknown = await import(url);
  const send: unknown =
    typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
  if (typeof send !== 'function') {
    throw new TypeError(`${url}: expected a default export (report) => Promise<void>, got ${typeof send}`);
  }
  await send(JSON.parse(report), { kind });
};

const answer = (message: { ok: true } | { ok: false; error: string }): void => {
  // Exit only once the answer is out; the module may have left timers or sockets open.
  process.send?.(message, () => process.exit(message.ok ? 0 : 1));
};

process.once('message', (order: unknown) => {
  if (!isOrder(order)) answer({ ok: false, error: 'the order was not understood' });
  else
    deliver(order).then(
      () => answer({ ok: true }),
      (error: unknown) => answer({ ok: false, error: worded(error) }),
    );
});
// Without a parent nobody counts this attempt any more: the next one would be a second at the same time.
process.once('disconnect', () => process.exit(1));
