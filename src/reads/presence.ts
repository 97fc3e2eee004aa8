/** When the caller was in the room. Pure. */
import type { Entry } from '../journal/entry.ts';
import { whenOf } from '../report/clock.ts';
import { recordOf } from '../report/lenient.ts';
import type { Reference } from './answers.ts';
import { OpenSpans } from './spans.ts';

const came: ReadonlySet<string> = new Set(['joined', 'returned', 'linked']);
const went: ReadonlySet<string> = new Set(['left', 'lost']);

export class Presence {
  readonly spans = new OpenSpans();
  #linked: string | undefined;

  get isThere(): boolean {
    return this.spans.of('caller') !== undefined;
  }

  take(entry: Entry, ref: Reference): void {
    const data = recordOf(entry.data);
    const at = whenOf(entry);
    const begin = () => {
      if (!this.isThere) this.spans.begin('caller', { from: at, label: 'in the room', ref, tone: 'plain' });
    };
    const end = () => this.spans.end('caller', at);
    switch (entry.kind) {
      case 'participant': {
        const { identity, change, isCaller, isRinging } = data;
        if (change === 'linked' && typeof identity === 'string') this.#linked = identity;
        const isTheirs = isCaller === true || (this.#linked !== undefined && identity === this.#linked);
        if (!isTheirs || isRinging === true) return;
        if (came.has(String(change))) begin();
        else if (went.has(String(change))) end();
        return;
      }
      case 'effect':
        if (data['name'] === 'awaitCaller' && data['phase'] === 'settled') begin();
        return;
      case 'event':
        if (data['type'] === 'caller.left' || data['type'] === 'caller.lost') end();
        if (data['type'] === 'caller.returned') begin();
        return;
      case 'hangup':
        if (data['verified'] === true) end();
        return;
      case 'session.closed':
        end();
        return;
      default:
        return;
    }
  }
}
