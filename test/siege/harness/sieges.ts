/** The sieges under which a killed job's caller must be let go, for the lane and the benchmark. */
import type { Layer } from './laid.ts';
import { onHeldDatabase, onHungDisks, withoutNames, withoutReader } from './sieges-by-the-machine.ts';
import { inCalm, underFlood, underRubbish, withRowsDue } from './sieges-by-others.ts';

export const sieges = {
  calm: { what: 'in calm', lay: inCalm },
  a: { what: '(a) while reports are due at a host whose name server does not answer', lay: withoutNames },
  b: { what: '(b) while the disk of the reports hangs, and that of LASTWORD_DIR too', lay: onHungDisks },
  c: { what: '(c) while nobody reads the log', lay: withoutReader },
  d: { what: '(d) while 10,000 rows are due', lay: withRowsDue },
  e: { what: '(e) while another process holds the database', lay: onHeldDatabase },
  f: { what: '(f) while a stranger floods attributes at 3 MB/s', lay: underFlood },
  g: { what: '(g) while another process of this user writes rubbish to the socket', lay: underRubbish },
} satisfies Record<string, { what: string; lay: Layer }>;
