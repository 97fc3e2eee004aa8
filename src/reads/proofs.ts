/** Which entry proves which word of an answer. Pure. What nobody wrote down has no proof, and says so by having none. */
import { recordOf } from '../report/lenient.ts';
import { endIn } from '../report/end.ts';
import type { Reference } from './answers.ts';
import { refOf, type Placed } from './session-read.ts';

export type Proofs = Partial<
  Record<
    | 'end'
    | 'stage'
    | 'detail'
    | 'state'
    | 'noticed'
    | 'goodbye'
    | 'apology'
    | 'hangUp'
    | 'sealed'
    | 'closed'
    | 'withdrawn',
    Reference
  >
>;

/** *Pure.* The first reason wins, so its proof is the first; of what was tried again the last. */
export function proofsOf(all: readonly Placed[]): Proofs {
  const proofs: Proofs = {};
  const first = (word: keyof Proofs, placed: Placed) => (proofs[word] ??= refOf(placed));
  const last = (word: keyof Proofs, placed: Placed) => (proofs[word] = refOf(placed));
  let heardMs = -1;
  for (const placed of all) {
    const data = recordOf(placed.entry.data);
    switch (placed.entry.kind) {
      case 'event':
      case 'transition':
        if (data['machine'] === 'supervision') break;
        if (endIn(data['end'])) first('end', placed);
        if (placed.entry.kind === 'transition') last('state', placed);
        if (placed.entry.kind === 'transition' && proofs.end === undefined) last('stage', placed);
        break;
      case 'session.closed':
        first('end', placed);
        last('closed', placed);
        break;
      case 'keeper.noticed':
        if (data['what'] === 'closed') break;
        first('noticed', placed);
        break;
      case 'spoken': {
        const heard = typeof data['heardMs'] === 'number' ? data['heardMs'] : 0;
        if (data['line'] === 'apology') last('apology', placed);
        if (data['line'] !== 'goodbye' || heard < heardMs) break;
        heardMs = heard;
        last('goodbye', placed);
        break;
      }
      case 'hangup':
        last('hangUp', placed);
        break;
      case 'error':
        if (data['recoverable'] === false) last('detail', placed);
        break;
      case 'keeper.sealed':
        last('sealed', placed);
        break;
      case 'session.withdrawn':
        last('withdrawn', placed);
        break;
      default:
        break;
    }
  }
  return proofs;
}
