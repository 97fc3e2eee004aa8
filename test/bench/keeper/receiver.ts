/** The bench's end of the receiver (receiver-process.ts). */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { compiled } from '../../e2e/harness/index.ts';

/** `count`: of ids that are answered. */
export type Expected = { count: number; answerMs: number };
/** Times are the system's; `requests` counts those that came again, too. */
export type Arrived = { firstAt: number; lastAt: number; requests: number };
export type FromReceiver =
  | { type: 'port'; port: number }
  | { type: 'arrived'; arrived: Arrived }
  | { type: 'came'; at: Record<string, number> };

export type Receiver = Disposable & {
  /** `number` (default 1): that many hosts are different receivers. */
  url: (path?: string, number?: number) => string;
  /** From now on. Resolves when that many ids have come; undefined: not within `limitMs`. */
  expect(expected: Expected, limitMs: number): Promise<Arrived | undefined>;
  /** When each id came last. */
  came(): Promise<Record<string, number>>;
};

export async function startReceiver(): Promise<Receiver> {
  const child = fork(compiled('test/bench/keeper/receiver-process.ts'));
  const said = <Type extends FromReceiver['type']>(type: Type) =>
    new Promise<Extract<FromReceiver, { type: Type }>>((resolve) => {
      const onMessage = (message: FromReceiver) => {
        if (message.type !== type) return;
        child.off('message', onMessage);
        resolve(message as Extract<FromReceiver, { type: Type }>);
      };
      child.on('message', onMessage);
    });
  const { port } = await said('port');
  return {
    url: (path = '', number = 1) => `http://127.0.${Math.floor(number / 200)}.${(number % 200) + 1}:${port}/${path}`,
    async expect(expected, limitMs) {
      const arrived = said('arrived').then((message) => message.arrived);
      child.send(expected);
      return await Promise.race([arrived, pause(limitMs, undefined, { ref: false })]);
    },
    async came() {
      child.send('came');
      return (await said('came')).at;
    },
    [Symbol.dispose]() {
      if (child.connected) child.disconnect();
      void once(child, 'exit');
    },
  };
}
