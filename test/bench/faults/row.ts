/** What a row of the comparison is, and what is measured of it. Types only. */
import type { LabChannel } from '../../../src/testing/index.ts';
import type { Reason } from '../../../machines/index.ts';
import type { Caller, CallerWish } from '../../e2e/harness/index.ts';
import type { Door } from '../../e2e/harness/server-api.ts';
import type { TestRooms } from '../../e2e/harness/rooms.ts';
import type { LiveKitServer } from '../../e2e/harness/server.ts';
import type { Plan, SideWish } from './plan.ts';
import type { Receiver } from './receiver.ts';
import type { ScriptWish } from './script.ts';
import type { Side } from './side.ts';

/** A call in which something is about to break. */
export type Scene = {
  side: Side;
  room: string;
  lab: LabChannel;
  rooms: TestRooms;
  receiver: Receiver;
  server: LiveKitServer;
  /** In front of the server API, for rows with a deployment of their own. */
  door: Door | undefined;
  /** Throws where nobody calls. */
  caller: Caller;
  /** When the planted fault struck, by the clock of its process. */
  bites(): Promise<number>;
};

export type Row = {
  /** Of docs/faults.md. */
  ids: string[];
  name: string;
  /** It breaks before the first word: the longer limit holds. */
  isStart?: true;
  plan?: Plan;
  wish?: SideWish;
  /** It breaks more than its own call: a deployment, or a server too, of its own. */
  alone?: 'deployment' | 'server' | 'door';
  script?: ScriptWish;
  /** `false`: nobody calls. */
  caller?: Partial<CallerWish> | false;
  /** Before the room is made. */
  prepare?: (scene: Pick<Scene, 'lab' | 'receiver'>) => void;
  /** Plays the call up to the fault. Resolves with the moment from which the caller waits. */
  scene: (scene: Scene) => Promise<number>;
  /** What may take long, while other calls begin; resolves with the moment as `scene` does. */
  later?: (scene: Scene, from: number) => Promise<number>;
  /** The caller may have to say the same again: from the first time on, their silence is the longest in which nobody spoke. */
  repeats?: true;
  /** It burns a core, or the memory: nothing else runs beside it. */
  isHeavy?: true;
  /** Nobody waits: the caller is gone, or it is their turn to speak. */
  waits?: false;
  /** Default 60 s. */
  cutMs?: number;
  /** The true reason: Lastword's word for it, and anything of the like in what the bare SDK says of itself. */
  truth: { reason: Reason | Reason[]; bare: RegExp };
};

/** `answered`: the call went on. */
export type Outcome = 'released' | 'answered' | 'left alone';
export type Measured = {
  outcome: Outcome;
  /** From the fault to the first sound, or to the release; null where nobody waits. */
  silenceMs: number | null;
  /** The longest silence from the fault to the release, or to the answer. */
  longestMs: number | null;
  /** What was heard after the fault. */
  heard: string;
  isRoomLeft: boolean;
  reports: number;
  /** What the report says, in a few words. */
  reason: string;
  isTrue: boolean;
};
