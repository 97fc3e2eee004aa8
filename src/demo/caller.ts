/** The caller of a call in the terminal: what is typed, turned into speech, into leaving, and into faults. */
import type { Lab } from '../testing/lab/index.ts';
import type { CallerAct } from '../livekit/terminal/room-messages.ts';
import type { Desk } from './desk.ts';
import type { Screen } from './screen.ts';
import { HELP, parseTyped, type Victim } from './typed.ts';
import type { Watched } from './watched.ts';

/** A line is spoken when the one before was understood, or after this. */
const UNDERSTOOD_MS = 6_000;

export type DemoCaller = {
  /** Spoken after whatever is being spoken. */
  say(text: string): void;
  hangUp(): void;
  /** A line as it was typed. */
  take(typed: string): void;
};

export function callerOf(parts: {
  lab: Pick<Lab, 'hears' | 'fail' | 'heal'>;
  desk: Pick<Desk, 'hang' | 'refuse'>;
  screen: Pick<Screen, 'print' | 'paint'>;
  call: Pick<Watched, 'state' | 'entries' | 'until'>;
  /** In the room. */
  does: (act: CallerAct) => void;
  /** False: no agent is there, or none that lives. */
  isHeard: () => boolean;
  /** SIGKILL. */
  kill: (victim: Victim) => void;
  /** SIGTERM for the keeper. */
  shutDown: () => void;
  /** The agent's own models: lines go in as text, and nothing of them can be broken from here. */
  isOwn: boolean;
}): DemoCaller {
  const { lab, desk, screen, call, does, isHeard, kill, shutDown, isOwn } = parts;
  const isUp = () => call.state.startsWith('live.conversing') || call.state.startsWith('live.greeting');
  const why = () => {
    if (isUp()) return 'no agent is in the room at this moment; say it again when one is heard';
    return `the call is ${/^(live\.|$)/.test(call.state) ? 'not up yet' : 'over'}`;
  };
  let speaking: Promise<unknown> = Promise.resolve();

  const say = (text: string) => {
    speaking = speaking.then(async () => {
      if (!isUp() || !isHeard()) return screen.print(`nobody hears "${text}": ${why()}`);
      if (isOwn) does({ type: 'type', text });
      else {
        lab.hears(text);
        does({ type: 'speak', words: text.split(/\s+/).length });
      }
      return call.until(
        ({ kind, data }) => kind === 'item' && data.role === 'user',
        UNDERSTOOD_MS,
        call.entries.length,
      );
    });
  };
  const hangUp = () => does({ type: 'hang-up' });

  return {
    say,
    hangUp,
    take(typed) {
      const command = parseTyped(typed);
      if (isOwn && ['fail', 'slow', 'silence', 'heal', 'hang-tool'].includes(command.kind))
        return screen.print(`${typed.trim()}: the models are your own; only those of \`npm start\` can be broken`);
      switch (command.kind) {
        case 'nothing':
          return;
        case 'line':
          return say(command.text);
        case 'hangup':
          return hangUp();
        case 'vanish':
        case 'return':
          return does({ type: command.kind });
        case 'fail':
          lab.fail(command.component, { kind: 'status', status: 500 });
          return screen.print(`the ${command.component} answers 500 from its next request on; /heal mends it`);
        case 'slow':
          lab.fail(command.component, { kind: 'stall' });
          return screen.print(
            `the ${command.component} gives no answer to what it is asked from now on; /heal mends it`,
          );
        case 'silence':
          lab.fail(command.component, { kind: 'silence' });
          return screen.print(`the ${command.component} answers with nothing in it; /heal mends it`);
        case 'receiver':
          desk.refuse(command.isDown);
          return screen.print(
            command.isDown
              ? 'the receiver of reports answers 503; /receiver up mends it'
              : 'the receiver takes reports again',
          );
        case 'heal':
          lab.heal();
          desk.hang(false);
          desk.refuse(false);
          return screen.print('every model works again, the tool and the receiver');
        case 'hang-tool':
          desk.hang(true);
          return screen.print(
            'the next look-up of the opening hours gets no answer; ask "what are your opening hours"',
          );
        case 'kill':
          return kill(command.victim);
        case 'shutdown':
          return shutDown();
        case 'help':
          return screen.print(HELP);
        case 'wrong':
          return screen.print(screen.paint('bad', command.why));
      }
    },
  };
}
