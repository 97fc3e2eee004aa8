/**
 * Who decides how the caller is let go: the definition for every end, a tool for its own, a transfer for those who stay.
 * This is the program of docs/hang-up.md.
 */
import { llm, voice } from '@livekit/agents';
import { currentCall, defineSession, endSessionTool, runWorker } from 'lastword';
import { loadVad, models } from './models.ts';

const handOver = llm.tool({
  name: 'hand_over',
  description: 'Leaves the caller to the colleague who is in the room already.',
  execute: async () => {
    currentCall().end('handed_over', { hangUp: 'leave' });
  },
});

const putThrough = llm.tool({
  name: 'put_through',
  description: 'Puts the caller through to the front desk.',
  execute: async () => {
    const { outcome, detail } = await currentCall().transfer({
      participant: 'desk',
      invite: (signal) => fetch('https://example.com/ring-the-desk', { method: 'POST', signal }),
    });
    return outcome === 'transferred' ? 'They are through.' : `Nobody took the call: ${detail ?? outcome}.`;
  },
});

export default defineSession({
  prewarm: loadVad,
  session: models,
  agent: () =>
    new voice.Agent({ instructions: 'You are Ada. Be brief.', tools: [endSessionTool(), handOver, putThrough] }),
  greeting: { say: 'Hello, this is Ada.' },
  goodbye: { say: 'Thank you. Goodbye.' },
  hangUp: { normal: 'remove-caller', failure: 'delete-room', transfer: 'leave' },
});

runWorker(import.meta.url);
