/** LiveKit's request to end a job, as the SDK says it to the job's process: from the first moment on. */
import { expect, test } from 'vitest';
import { hearEndRequests } from '../../src/livekit/observe/process.ts';

const said = (name: string) => process.emit('message', { case: name }, undefined);

test('H4 a request that comes before the call is put together is taken as soon as it is; others are nobody’s business', () => {
  const before = new Set(process.listeners('message'));
  try {
    const requests = hearEndRequests();
    said('pingRequest');
    let taken = 0;
    requests.onRequest(() => (taken += 1));
    expect(taken).toBe(0);
    said('shutdownRequest');
    expect(taken).toBe(1);

    const late = hearEndRequests();
    said('shutdownRequest');
    let takenLate = 0;
    late.onRequest(() => (takenLate += 1));
    expect(takenLate).toBe(1);
  } finally {
    for (const listener of process.listeners('message')) if (!before.has(listener)) process.off('message', listener);
  }
});
