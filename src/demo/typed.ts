/** What a user can type. Pure. */
import { nearest } from './nearest.ts';

export const components = ['llm', 'tts', 'stt'] as const;
export type FaultyComponent = (typeof components)[number];
/** Each is a process. */
export const victims = ['job', 'worker', 'keeper'] as const;
export type Victim = (typeof victims)[number];

export type Typed =
  | { kind: 'nothing' }
  | { kind: 'line'; text: string }
  | { kind: 'hangup' | 'vanish' | 'return' | 'heal' | 'hang-tool' | 'shutdown' | 'help' }
  | { kind: 'fail' | 'slow' | 'silence'; component: FaultyComponent }
  | { kind: 'receiver'; isDown: boolean }
  | { kind: 'kill'; victim: Victim }
  /** What was expected, what came, what to do. */
  | { kind: 'wrong'; why: string };

type Plain = Exclude<
  Typed,
  { text: string } | { component: FaultyComponent } | { isDown: boolean } | { victim: Victim } | { why: string }
>['kind'];
const plain: Record<string, Plain> = {
  '/hangup': 'hangup',
  '/vanish': 'vanish',
  '/return': 'return',
  '/heal': 'heal',
  '/shutdown': 'shutdown',
  '/help': 'help',
};
const names = [...Object.keys(plain), '/fail', '/slow', '/silence', '/hang', '/receiver', '/kill'];
const faults = { '/fail': 'fail', '/slow': 'slow', '/silence': 'silence' } as const;

export const HELP = `A line that begins with no slash is spoken into the call. Otherwise:
  /hangup             hang up
  /vanish, /return    lose the connection; come back
  /fail llm|tts|stt   break a model, from its next request on
  /slow llm|tts|stt   its next request begins and gets no further
  /silence llm|tts|stt  it answers, with nothing in it
  /heal               mend every model, the tool and the receiver
  /hang tool          the next look-up of the opening hours gets no answer
  /receiver down|up   reports are refused with 503; taken again
  /kill job           kill -9 the process of the call: another one goes on with it
  /kill worker        kill -9 the worker above it: its call is left to the next one
  /kill keeper        kill -9 the keeper above all: the next one takes the call up
  /shutdown           stop the keeper, as a deployment does (SIGTERM)
  /help               this
Ctrl-C ends the call with its goodbye, a second one at once. Ctrl-D hangs up.`;

export function parseTyped(typed: string): Typed {
  const text = typed.trim();
  if (text === '') return { kind: 'nothing' };
  if (!text.startsWith('/')) return { kind: 'line', text };
  const [name = '', ...rest] = text.toLowerCase().split(/\s+/);
  const argument = rest.join(' ');
  const got = argument === '' ? 'nothing' : `"${argument}"`;
  if (Object.hasOwn(faults, name)) {
    const component = components.find((each) => each === argument);
    if (component) return { kind: faults[name as keyof typeof faults], component };
    return { kind: 'wrong', why: `${name}: expected ${components.join(', ')}, got ${got}; write ${name} llm` };
  }
  if (name === '/receiver') {
    if (argument === 'down' || argument === 'up') return { kind: 'receiver', isDown: argument === 'down' };
    return { kind: 'wrong', why: `/receiver: expected down or up, got ${got}; write /receiver down` };
  }
  if (name === '/kill') {
    const victim = argument === '' ? 'job' : victims.find((each) => each === argument);
    if (victim) return { kind: 'kill', victim };
    return { kind: 'wrong', why: `/kill: expected ${victims.join(', ')}, got ${got}; write /kill job` };
  }
  if (name === '/hang') {
    if (argument === 'tool') return { kind: 'hang-tool' };
    return { kind: 'wrong', why: `/hang: expected tool, got ${got}; write /hang tool, or /hangup to hang up` };
  }
  const kind = Object.hasOwn(plain, name) ? plain[name] : undefined;
  if (kind === undefined) {
    const near = nearest(name, names);
    const advice = near.length > 0 ? `did you mean ${near.join(' or ')}?` : '/help lists what there is';
    return { kind: 'wrong', why: `${name}: expected a command, got none that is known; ${advice}` };
  }
  if (argument !== '') return { kind: 'wrong', why: `${name}: expected nothing after it, got ${got}; write ${name}` };
  return { kind };
}
