/** Races that once broke a promise, as they were printed, shrunk. Each is run again with every run of the lane. */
import type { Race } from './races.ts';

export const foundRaces: { what: string; race: Race }[] = [];
