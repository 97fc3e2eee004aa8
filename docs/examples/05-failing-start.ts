/**
 * A start that fails: the tenant of the dispatch is not known. The caller hears an apology (by the own voice where there
 * is one, else from the recording in the package) and is let go in the way that ON_FAILURE names: `delete-room`, or
 * `remove-sip` when others stay in the room. The report says `startup_failed`, and what was thrown.
 */
import { voice } from '@livekit/agents';
import { type Call, defineSession, endSessionTool, runWorker } from 'lastword';
import { loadVad, models } from './models.ts';

const tenants = new Map([['bakery', 'You take orders for a bakery.']]);

function instructionsFor({ metadata }: Call): string {
  const { tenant = '' } = metadata as { tenant?: string };
  const instructions = tenants.get(tenant);
  if (!instructions) throw new Error(`no such tenant: "${tenant}"`);
  return instructions;
}

export default defineSession({
  prewarm: loadVad,
  session: models,
  agent: (call) => new voice.Agent({ instructions: instructionsFor(call), tools: [endSessionTool()] }),
  greeting: { say: 'Good morning, what can I get you?' },
  apology: { say: 'Sorry, nobody can take your call.' },
  hangUp: { failure: process.env['ON_FAILURE'] === 'remove-sip' ? 'remove-sip' : 'delete-room' },
});

runWorker(import.meta.url);
