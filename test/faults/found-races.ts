/** Races that once broke a promise, as they were printed, shrunk. Each is run again with every run of the lane. */
import type { Race } from './races.ts';

export const foundRaces: { what: string; race: Race }[] = [
  {
    what: 'who had taken the call, and waited for the last words of the agent, was not let go when it failed',
    race: {
      greeting: 'wait',
      faults: {},
      events: [
        { afterMs: 200, what: 'the agent speaks' },
        { afterMs: 30, what: 'the agent hands the caller over' },
        { afterMs: 5, what: 'a model fails' },
      ],
    },
  },
];
