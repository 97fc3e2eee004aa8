/** Parts that fail, hang or are late, as a race wants them. */
import { HeardOutput } from './edges.ts';
import { never } from './plain.ts';
import type { Part, Race } from './races.ts';

const LATE_MS = 150;

export async function faulty<Value>(faults: Race['faults'], part: Part, usual: () => Promise<Value>): Promise<Value> {
  switch (faults[part]) {
    case 'fails':
      throw new Error(`${part}: planted`);
    case 'hangs':
      return never();
    case 'is late':
      await new Promise((resolve) => setTimeout(resolve, LATE_MS));
      return usual();
    default:
      return usual();
  }
}

/**
 * What the session speaks through: a drain waits for its playout, an interrupt for its cut. A cut that hangs is never
 * told of; one that fails is not taken, and the line plays on. (Thrown out of `clearBuffer` it is a rejection that nobody
 * handles inside the SDK; a job outlives those, a test runner counts them.)
 */
export const outputWith = ({ playout, cut }: Race['faults']): typeof HeardOutput => {
  class FaultyOutput extends HeardOutput {
    override onPlaybackFinished(event: Parameters<HeardOutput['onPlaybackFinished']>[0]): void {
      const fault = event.interrupted ? cut : playout;
      if (fault === 'hangs') return;
      if (fault === 'is late') setTimeout(() => super.onPlaybackFinished(event), LATE_MS);
      else super.onPlaybackFinished(event);
    }
    override waitForPlayout(): ReturnType<HeardOutput['waitForPlayout']> {
      return playout === 'fails' ? Promise.reject(new Error('playout: planted')) : super.waitForPlayout();
    }
    override clearBuffer(): void {
      if (cut !== 'fails') super.clearBuffer();
    }
  }
  return FaultyOutput;
};
