/** The AgentSession itself does not start. */
import { voice } from '@livekit/agents';
import { afterEach, expect, test, vi } from 'vitest';
import { place } from './harness.ts';

const APOLOGY = 'Sorry for that.';
const agent = () => new voice.Agent({ instructions: 'Never asked.' });
const failed = { reason: 'startup_failed', by: 'system', stage: 'connecting', goodbye: 'skipped' } as const;

afterEach(() => vi.restoreAllMocks());

test('C9 T22 AgentSession.start() rejects: the caller hears the apology by the voice of the call, and the report says why', async () => {
  vi.spyOn(voice.AgentSession.prototype, 'start').mockRejectedValue(new Error('planted'));
  await using placed = await place({ agent, apology: { say: APOLOGY } });
  const { errors } = await placed.endedWell({ ...failed, fault: 'application', detail: /planted/, apology: 'live' });
  expect(placed.heard.map(({ text }) => text)).toEqual([APOLOGY]);
  expect(errors).toContainEqual(expect.objectContaining({ component: 'agent session', message: 'planted' }));
});

test('C9 T22 AgentSession.start() never settles: after connectMs the caller hears the apology, and is let go', async () => {
  vi.spyOn(voice.AgentSession.prototype, 'start').mockReturnValue(new Promise(() => {}));
  await using placed = await place({ agent, apology: { say: APOLOGY }, policy: { connectMs: 300 } });
  await placed.endedWell({ ...failed, fault: 'application', apology: 'live' });
  expect(placed.heard.map(({ text }) => text)).toEqual([APOLOGY]);
});
