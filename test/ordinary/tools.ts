/** Tools that take as long as tools do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { llm } from '@livekit/agents';

export const taking = (name: string, ms: number, output = 'a table') =>
  llm.tool({
    name,
    description: `Takes ${ms} ms, and works.`,
    execute: async () => {
      await sleep(ms);
      return output;
    },
  });
