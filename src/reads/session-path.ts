/** The states that a session machine was recorded in, in order, each by its leaves. Pure. */
import { recordOf, textsOf } from '../report/lenient.ts';
import type { SessionRead } from './session-read.ts';

export const pathOfSession = ({ all }: SessionRead): string[][] =>
  all.flatMap(({ entry }) => {
    const { machine, to } = recordOf(entry.data);
    return entry.kind === 'transition' && (machine ?? 'session') === 'session' ? [textsOf(to)] : [];
  });
