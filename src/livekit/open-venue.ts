import type { JobContext } from '@livekit/agents';
import { roomVenue } from './room-venue.ts';
import { terminalVenue } from './terminal/terminal-venue.ts';
import type { Reporter, Venue } from './venue.ts';

/** A fake job (no server) takes place in the terminal that started it. */
export const openVenue = (context: JobContext, reporter: Reporter, how: { isCallerNamed: boolean }): Venue =>
  context.isFakeJob ? terminalVenue(context, reporter) : roomVenue(context, reporter, how);
