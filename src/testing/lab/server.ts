/**
 * The provider lab: a server on loopback that speaks what the real OpenAI and Cartesia plugins speak, and plays a
 * script: what is heard, what the model says, which tools it calls, what breaks.
 *
 * Owns its port and its connections; nothing of it is reachable from another machine, and a web page cannot use it
 * (requests with an Origin are refused).
 *
 *   /CHANNEL/openai/v1/…             chat completions, speech, transcriptions, models
 *   /CHANNEL/cartesia/tts/websocket  speech
 *   /control                         scripting from other processes
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { SpeechMeasure } from '../speech/measure.ts';
import { serveCartesia } from './cartesia.ts';
import { Channel } from './channel.ts';
import { serveControl } from './control.ts';
import { sendJson, serveOpenai } from './openai.ts';
import { Pace, type PaceName, type PaceOptions } from './pace.ts';
import { receptionist } from './receptionist.ts';
import { spokenAs } from './script.ts';
import type { Component, Fault, FaultSpan, LabEntry, LabScript, Spoken } from './script.ts';

/** A minute of 48 kHz audio is 6 MB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAIN = 'main';
const CHANNEL_NAME = /^[\w-]{1,64}$/;

export type LabUrls = { openai: string; cartesia: string };

export interface LabChannel {
  readonly name: string;
  /** Base URLs for the plugins: `baseURL` of OpenAI's, `baseUrl` of Cartesia's. */
  readonly urls: LabUrls;
  /** What happened here, in order. */
  readonly log: readonly LabEntry[];
  /** Replaces the script. What was counted and planted stays. */
  play(script: LabScript): void;
  /**
   * The next upload that no earlier text has taken is transcribed as `text`.
   *
   * @param spoken - measure of the audio that is played to the microphone; lies beside the upload's in the log
   */
  hears(text: string, spoken?: SpeechMeasure): void;
  /** Breaks a component: by default from the next request on, until healed. */
  fail(component: Component, fault: Fault, span?: FaultSpan): void;
  /** Heals one component, or all. Requests that stall already stay unanswered. */
  heal(component?: Component): void;
  /**
   * From the next request on, answers take as long as this profile has it.
   *
   * @param seed - default 1; the same seed draws the same latencies in the same order
   */
  setPace(name: PaceName, seed?: number): void;
  /** Each time that a line was spoken, with the syntheses it was made of. */
  spoken(text: string): Spoken[][];
}

export interface Lab extends LabChannel {
  readonly port: number;
  /** For `connectLab` in other processes. */
  readonly controlUrl: string;
  /** A channel of its own script, faults and log; made on first use, with the script of this lab. */
  channel(name: string): LabChannel;
  close(): Promise<void>;
}

export type LabOptions = {
  /** Default: any free port. */
  port?: number;
  /** Default: the receptionist. */
  script?: LabScript;
  /** Of every channel, each with draws of its own. Default `instant`: an answer comes at once. */
  pace?: PaceName | PaceOptions;
};

const instant: PaceOptions = { name: 'instant' };

/**
 * Starts a lab on 127.0.0.1.
 *
 * @throws Error when the port is in use, or the pace is none
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const script = options.script ?? receptionist;
  const { name: pace, seed = 1 } =
    typeof options.pace === 'string' ? { name: options.pace } : (options.pace ?? instant);
  const channels = new Map<string, Channel>();
  const log: LabEntry[] = [];
  let utterances = 0;
  const nextUtterance = () => (utterances += 1);
  const channelNamed = (name: string): Channel => {
    if (!CHANNEL_NAME.test(name))
      throw new Error(`channel: expected 1 to 64 letters, digits, "-" or "_", got "${name}"`);
    const channel =
      channels.get(name) ?? new Channel(name, script, new Pace(pace, seed + channels.size), log, nextUtterance);
    channels.set(name, channel);
    return channel;
  };

  const mainChannel = channelNamed(MAIN); // a wrong pace is said before a port is taken

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent)
        sendJson(response, 400, { error: { message: String(error), type: 'invalid_request_error' } });
      else response.socket?.destroy();
    });
  });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.origin !== undefined)
      return sendJson(response, 403, { error: 'web pages have no access to the lab' });
    const { pathname } = new URL(request.url ?? '/', 'http://lab');
    const body = await bodyOf(request);
    if (pathname === '/control') {
      const result = serveControl(body, (name) => viewOf(channelNamed(name ?? MAIN)));
      return sendJson(response, result.status, result.body);
    }
    const [, name = '', service = '', ...rest] = pathname.split('/');
    const served =
      service === 'openai' &&
      (await serveOpenai(`/${rest.join('/')}`, { channel: channelNamed(name), request, response, body }));
    if (!served)
      sendJson(response, 404, { error: { message: `the lab has nothing at ${request.method} ${pathname}` } });
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const [, name = '', service, ...rest] = new URL(request.url ?? '/', 'http://lab').pathname.split('/');
    const reject = (status: number, header = '') =>
      socket.end(`HTTP/1.1 ${status} Lab\r\n${header}connection: close\r\ncontent-length: 0\r\n\r\n`);
    if (request.headers.origin !== undefined) return reject(403);
    if (service !== 'cartesia' || rest.join('/') !== 'tts/websocket' || !CHANNEL_NAME.test(name)) return reject(404);
    const channel = channelNamed(name);
    // A new connection suffers what its first synthesis would, and that counts as one.
    const fault = channel.faultOf('tts');
    if (fault?.kind === 'status') {
      channel.begin('tts');
      return reject(
        fault.status,
        fault.retryAfterSeconds === undefined ? '' : `retry-after: ${fault.retryAfterSeconds}\r\n`,
      );
    }
    if (fault?.kind === 'refuse') {
      channel.begin('tts');
      return socket.destroy();
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => serveCartesia(webSocket, channel));
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`port: expected a free one, but ${options.port} is in use; choose another`)
          : error,
      ),
    );
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;

  const logOf = (name: string) => log.filter((entry) => entry.channel === name);
  const viewOf = (channel: Channel): LabChannel => ({
    name: channel.name,
    urls: { openai: `${origin}/${channel.name}/openai/v1`, cartesia: `${origin}/${channel.name}/cartesia` },
    get log() {
      return logOf(channel.name);
    },
    play: (next) => channel.play(next),
    hears: (text, spoken) => channel.hears(text, spoken),
    fail: (component, fault, span) => channel.fail(component, fault, span),
    heal: (component) => channel.heal(component),
    setPace: (name, from) => channel.setPace(new Pace(name, from)),
    spoken: (text) => spokenAs(logOf(channel.name), text),
  });
  const main = viewOf(mainChannel);
  return {
    ...main,
    get log() {
      return logOf(MAIN);
    },
    port,
    controlUrl: `${origin}/control`,
    channel: (name) => viewOf(channelNamed(name)),
    close: async () => {
      for (const socket of webSockets.clients) socket.terminate();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY_BYTES) throw new Error(`request body: expected at most ${MAX_BODY_BYTES} bytes, got more`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
