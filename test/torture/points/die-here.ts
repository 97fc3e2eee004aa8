/**
 * Loaded into every process of a deployment (NODE_OPTIONS, `--import`): kills its process exactly where a test has said
 * (blow.ts). The product knows nothing of it: what is patched are the ways out of a process that Node itself has.
 *
 *   D1  Before: nothing of it has left the process. After: it is on the disk, or with the system, and nobody in this
 *       process knows that yet.
 *   D2  Of a journal's write, which may have many lines, the lines before the one that is meant are written.
 */
import fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, resolve } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { Connection } from '../../../src/store/sqlite-connection.ts';
import { type Next, fits, nextOf, type Place, POINTS, type Role, strike } from './blow.ts';

const folder = process.env[POINTS] ?? '';

/** A thread of the keeper's, and the one that writes. */
const isStore = typeof workerData === 'object' && workerData !== null && 'location' in workerData;
const roleHere = (): Role | undefined => {
  const [, file = '', word] = process.argv;
  const program = basename(file);
  if (!isMainThread) return isStore ? 'keeper' : undefined;
  if (/^keeper-(process|main)\.js$/.test(program)) return 'keeper';
  if (program.startsWith('job_proc') || (program === 'keeper-fake.js' && word === 'job')) return 'job';
  if (program === 'courier-child.js') return 'courier';
  if (program === 'apologist.js' || program.startsWith('inference_proc')) return undefined;
  return process.env['LASTWORD_SOCKET'] === undefined ? undefined : 'worker';
};
const next = (...places: Place[]): Next | undefined =>
  folder === '' ? undefined : nextOf(folder, roleHere(), ...places);
const strikeIf = (text: string, ...places: Place[]): void => {
  const due = next(...places);
  if (due && fits(due.blow, text)) strike(folder, due, text);
};

type Method<Self, Result> = (this: Self, ...given: unknown[]) => Result;
/** What was there before us: `this` is given when it is called. */
const asItWas = <Self, Result>(owner: object, name: string): Method<Self, Result> =>
  Reflect.get(owner, name) as Method<Self, Result>;

/** The line that is meant, in bytes of what is written. */
function lineIn(bytes: Buffer, { blow }: Next): { from: number; to: number; text: string } | undefined {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf('\n', from);
    const to = end < 0 ? bytes.length : end + 1;
    const text = bytes.toString('utf8', from, to);
    if (fits(blow, text)) return { from, to, text };
    from = to;
  }
  return undefined;
}

/** A process that gets warm rehearses a call, in a folder of its own: nobody dies of that. */
const isOfCall = (file: number): boolean => {
  const directory = process.env['LASTWORD_DIR'];
  if (roleHere() !== 'job' || directory === undefined) return true;
  return fs.readlinkSync(`/proc/self/fd/${file}`).startsWith(resolve(directory));
};

type Write = (this: FileHandle, bytes: Buffer, offset?: number, length?: number, position?: number) => Promise<unknown>;

async function patchJournals(): Promise<void> {
  const handle = await open('/dev/null');
  const journal = Object.getPrototypeOf(handle) as { write: Write };
  await handle.close();
  const { write } = journal;
  journal.write = function dying(bytes, offset = 0, length = bytes.length - offset, position = 0) {
    const due = isOfCall(this.fd) ? next('writes') : undefined;
    const part = bytes.subarray(offset, offset + length);
    const line = due && lineIn(part, due);
    if (due && line) {
      const end = due.blow.side === 'before' ? line.from : line.to;
      fs.writeSync(this.fd, part, 0, end, position); // D2
      fs.fdatasyncSync(this.fd);
      strike(folder, due, line.text);
    }
    return write.call(this, bytes, offset, length, position);
  };
}

function patchSockets(): void {
  const write = asItWas<Socket, boolean>(Socket.prototype, 'write');
  const push = asItWas<Socket, boolean>(Socket.prototype, 'push');
  Socket.prototype.write = function dying(this: Socket, chunk: unknown, ...more: unknown[]) {
    const due = typeof chunk === 'string' ? next('says') : undefined;
    const isIt = due !== undefined && fits(due.blow, chunk as string);
    if (isIt && due.blow.side === 'before') strike(folder, due, chunk as string);
    const taken = write.call(this, chunk, ...more);
    if (!isIt || due.blow.side === 'before') return taken;
    // Who has corked it writes the rest, and uncorks it, in the same turn.
    if (this.writableCorked > 0) queueMicrotask(() => strike(folder, due, chunk as string));
    else strike(folder, due, chunk as string);
    return taken;
  } as Socket['write'];
  Socket.prototype.push = function dying(this: Socket, chunk: unknown, ...more: unknown[]) {
    if (Buffer.isBuffer(chunk) && next('hears')) strikeIf(chunk.toString('latin1'), 'hears');
    return push.call(this, chunk, ...more);
  };
}

function patchRequests(): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const due = next('asks');
    const isIt = due !== undefined && fits(due.blow, address);
    if (isIt && due.blow.side === 'before') strike(folder, due, address);
    const answer = await fetch(input, init);
    if (isIt && due.blow.side === 'after') strike(folder, due, address);
    return answer;
  };
}

/** What this process and a child, or a thread, say to each other. */
function patchMessages(): void {
  const emit = asItWas<typeof process, boolean>(process, 'emit');
  const send = process.send && asItWas<typeof process, boolean>(process, 'send');
  process.emit = function dying(this: typeof process, name: string, ...given: unknown[]) {
    if (name === 'message' && next('gets')) strikeIf(JSON.stringify(given[0]), 'gets');
    return emit.call(this, name, ...given);
  } as typeof process.emit;
  if (send)
    process.send = function dying(this: typeof process, message: unknown, ...more: unknown[]) {
      const text = next('sends') ? JSON.stringify(message) : '';
      if (next('sends')?.blow.side === 'before') strikeIf(text, 'sends');
      const taken = send.call(process, message, ...more);
      strikeIf(text, 'sends');
      return taken;
    };
}

type Asked = { id?: number };

function patchStore(): void {
  const postMessage = asItWas<Worker, void>(Worker.prototype, 'postMessage');
  const emit = asItWas<Worker, boolean>(Worker.prototype, 'emit');
  /** Calls whose answer is the place. */
  const awaited = new Map<number, string>();
  Worker.prototype.postMessage = function dying(this: Worker, given: unknown, ...more: unknown[]) {
    const due = next('gives', 'learns');
    for (const asked of due && Array.isArray(given) ? (given as Asked[]) : []) {
      const text = JSON.stringify(asked);
      if (!due || !fits(due.blow, text)) continue;
      if (due.blow.place === 'gives') strike(folder, due, text);
      else if (asked.id !== undefined) awaited.set(asked.id, text);
    }
    return postMessage.call(this, given, ...more);
  };
  Worker.prototype.emit = function dying(this: Worker, name: string | symbol, ...given: unknown[]) {
    const answers = name === 'message' && Array.isArray(given[0]) ? (given[0] as Asked[]) : [];
    for (const { id } of answers) {
      const text = id === undefined ? undefined : awaited.get(id);
      if (text !== undefined) strikeIf(text, 'learns');
    }
    return emit.call(this, name, ...given);
  };
}

/** SQLite's own statements cannot be patched; those of a transaction go through here. */
async function patchStatements(): Promise<void> {
  const { Connection } = await import('../../../src/store/sqlite-connection.ts');
  const run = Reflect.get(Connection.prototype, 'run') as Connection['run'];
  Connection.prototype.run = function dying(this: Connection, sql, ...values) {
    const due = next('runs');
    const isIt = due !== undefined && fits(due.blow, sql);
    if (isIt && due.blow.side === 'before') strike(folder, due, sql);
    const changed = run.call(this, sql, ...values);
    if (isIt && due.blow.side === 'after') strike(folder, due, sql);
    return changed;
  };
}

if (folder !== '') {
  await patchJournals();
  patchSockets();
  patchRequests();
  patchMessages();
  patchStore();
  if (!isMainThread && isStore) await patchStatements();
}
