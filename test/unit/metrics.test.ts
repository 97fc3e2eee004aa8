/** What the keeper says of itself: the format, the numbers, a real keeper, and the dashboard that is made of them. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { expositionOf } from '../../src/keeper/exposition.ts';
import { KeeperCounts } from '../../src/keeper/keeper-counts.ts';
import { type Gauges, metricsOf } from '../../src/keeper/metrics.ts';
import { openOperating, type OperatingServer } from '../../src/keeper/operating-server.ts';
import { SoundWatch } from '../../src/session/sound-watch.ts';

const gauges: Gauges = {
  version: '1.0.0',
  isWorkerHere: true,
  stages: { running: 2 },
  owed: { rows: 3, oldestMs: 1_500 },
  lostLines: 4,
  loopDelay: { median: 0, p99: 1, longest: 2 },
  memoryBytes: 5,
  cpuSeconds: 6,
  startedAt: 7_000,
};
const sample =
  /^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,|(?=\})))*\})? (-?[0-9.e+-]+|\+Inf|NaN)$/i;
/** By name and labels. Each line is one that the format knows. */
const valuesIn = (text: string): Record<string, number> => {
  expect(text.endsWith('\n')).toBe(true);
  const values: Record<string, number> = {};
  for (const line of text.trimEnd().split('\n')) {
    if (/^# (HELP|TYPE) [a-z_]+ /.test(line)) continue;
    const [, name = '', labels = '', value = ''] = sample.exec(line) ?? [];
    expect(name, line).not.toBe('');
    expect(values[name + labels], `twice: ${line}`).toBeUndefined();
    values[name + labels] = Number(value);
  }
  return values;
};
const told = (counts: KeeperCounts) => valuesIn(expositionOf(metricsOf(counts, gauges)));

describe('the text format', () => {
  it('survives whatever stands in a label, and writes numbers as the format has them', () => {
    const text = expositionOf([
      { name: 'a_total', help: 'one\nline \\', type: 'counter', samples: [{ value: 1, labels: { x: 'a"b\\c\nd' } }] },
      { name: 'b', help: '', type: 'gauge', samples: [{ value: Infinity }, { value: 1e21, labels: { y: '' } }] },
    ]);
    expect(text).toBe(
      '# HELP a_total one\\nline \\\\\n# TYPE a_total counter\na_total{x="a\\"b\\\\c\\nd"} 1\n# HELP b \n# TYPE b gauge\nb +Inf\nb{y=""} 1e+21\n',
    );
  });
});

describe('what is counted', () => {
  it('ends are counted by who and why; an application’s own words are one label, however many there are', () => {
    const counts = new KeeperCounts();
    counts.sealed({ by: 'caller', reason: 'caller_hung_up' });
    counts.sealed({ by: 'operator', reason: 'operator_ended' });
    for (let at = 0; at < 1_000; at += 1) counts.sealed({ by: 'agent', reason: `ticket ${at} "} 1\n` });
    const values = told(counts);
    expect(Object.entries(values).filter(([name]) => name.startsWith('lastword_calls_ended_total'))).toEqual([
      ['lastword_calls_ended_total{by="caller",reason="caller_hung_up"}', 1],
      ['lastword_calls_ended_total{by="operator",reason="operator_ended"}', 1],
      ['lastword_calls_ended_total{by="agent",reason="other"}', 1_000],
    ]);
  });

  it('silence is the longest of the living calls, goes on between two beats, and ends with its call', () => {
    let now = 0;
    const counts = new KeeperCounts(() => now);
    const [one, other] = [sessionIdOf('one'), sessionIdOf('other')];
    counts.beat(one, { silentMs: 1_000 });
    counts.beat(other, { silentMs: null });
    now = 500;
    expect(told(counts)['lastword_silence_seconds']).toBe(1.5);
    counts.beat(one, { silentMs: 7_000 });
    counts.beat(one, { silentMs: null });
    expect([told(counts)['lastword_silence_seconds'], told(counts)['lastword_silence_worst_seconds']]).toEqual([0, 7]);
    counts.beat(one, { silentMs: 100 });
    counts.over(one);
    expect(told(counts)['lastword_silence_seconds']).toBe(0);
  });

  it('fillers and nudges are counted once, whatever becomes of beats and processes', () => {
    const counts = new KeeperCounts();
    const one = sessionIdOf('one');
    for (const spoken of [
      { filler: 1, nudge: 0 },
      { filler: 1, nudge: 0 },
      { filler: 3, nudge: 1 },
    ])
      counts.beat(one, { spoken });
    counts.beat(one, {}); // of a version before
    counts.beat(one, { spoken: { filler: 1, nudge: 0 } }); // of the job that took it over
    expect(counts.spoken).toEqual({ filler: 4, nudge: 1 });
  });

  it('how long a disk took is in buckets that add up', () => {
    const counts = new KeeperCounts();
    for (const ms of [0.5, 3, 3, 80, 60_000]) counts.accepted(ms);
    const values = told(counts);
    const buckets = Object.entries(values).filter(([name]) => name.startsWith('lastword_accept_seconds_bucket'));
    expect(buckets.map(([, value]) => value)).toEqual(buckets.map(([, value]) => value).toSorted((a, b) => a - b));
    expect(values['lastword_accept_seconds_bucket{le="0.005"}']).toBe(3);
    expect([values['lastword_accept_seconds_bucket{le="+Inf"}'], values['lastword_accept_seconds_count']]).toEqual([
      5, 5,
    ]);
    expect(values['lastword_accept_seconds_sum']).toBeCloseTo(60.0865, 4);
  });

  it('a beat costs less than ten microseconds', () => {
    const counts = new KeeperCounts();
    const sessions = Array.from({ length: 1_000 }, (_, at) => sessionIdOf(`s${at}`));
    const began = performance.now();
    for (let round = 0; round < 50; round += 1)
      for (const session of sessions) counts.beat(session, { silentMs: round, spoken: { filler: round, nudge: 0 } });
    expect((performance.now() - began) / 50_000).toBeLessThan(0.01);
  });
});

describe('who is audible', () => {
  it('silence begins with the last sound, while a caller is there, and not before', () => {
    let now = 0;
    const sounds = new SoundWatch(() => now);
    expect(sounds.told.silentMs).toBeNull();
    sounds.take('participant', { change: 'joined', identity: 'ada', isCaller: true });
    now = 1_000;
    expect(sounds.told.silentMs).toBe(1_000);
    sounds.take('audible', { who: 'agent', change: 'begins', speech: 's1' });
    sounds.take('audible', { who: 'caller', change: 'begins' });
    expect(sounds.told.silentMs).toBeNull();
    now = 2_000;
    sounds.take('audible', { who: 'agent', change: 'ends', speech: 's1' });
    expect(sounds.told.silentMs).toBeNull();
    now = 3_000;
    sounds.take('audible', { who: 'caller', change: 'ends' });
    now = 3_400;
    expect(sounds.told.silentMs).toBe(400);
    sounds.take('participant', { change: 'left', identity: 'ada', isCaller: true });
    expect(sounds.told.silentMs).toBeNull();
  });

  it('a filler that nobody heard is none', () => {
    const sounds = new SoundWatch();
    sounds.take('spoken', { line: 'filler', rung: 'live', heardMs: 400, outcome: 'cut' });
    sounds.take('spoken', { line: 'filler', rung: 'live', heardMs: 0, outcome: 'skipped' });
    sounds.take('spoken', { line: 'greeting', rung: 'live', heardMs: 900, outcome: 'played' });
    expect(sounds.told.spoken).toEqual({ filler: 1, nudge: 0 });
  });
});

describe('the server', () => {
  let open: OperatingServer[] = [];
  afterEach(() => {
    for (const one of open) one.close();
    open = [];
  });
  const operating = async (more: Partial<Parameters<typeof openOperating>[0]> = {}) => {
    const one = await openOperating({
      port: 0,
      counts: new KeeperCounts(),
      store: { owedByName: async () => ({ a: 1, b: 2 }), oldestOwed: async () => Date.now() - 5_000 },
      known: () => ({ version: '1', isWorkerHere: true, stages: {}, lostLines: 0 }),
      unready: () => undefined,
      ...more,
    });
    open.push(one);
    return { one, get: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${one.port}${path}`, init) };
  };

  it('says whether it lives, whether calls are taken and why not, and its numbers', async () => {
    let why: string | undefined = 'no worker that takes calls is connected';
    const { get } = await operating({ unready: () => why });
    expect((await get('/healthz')).status).toBe(200);
    const unready = await get('/readyz');
    expect([unready.status, await unready.text()]).toEqual([503, `${why}\n`]);
    why = undefined;
    expect((await get('/readyz')).status).toBe(200);
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const values = valuesIn(await metrics.text());
    expect(values['lastword_deliveries_owed']).toBe(3);
    expect(values['lastword_delivery_oldest_seconds']).toBeCloseTo(5, 0);
    expect((await get('/nix')).status).toBe(404);
    expect((await get('/metrics', { method: 'POST', body: 'x' })).status).toBe(405);
  });

  it('a store that hangs or fails delays no answer beyond a second, and what it knows is left out', async () => {
    for (const owedByName of [() => new Promise<never>(() => {}), () => Promise.reject(new Error('planted'))]) {
      const { get } = await operating({ store: { owedByName, oldestOwed: async () => 0 } });
      const began = performance.now();
      const values = valuesIn(await (await get('/metrics')).text());
      expect(performance.now() - began).toBeLessThan(2_500);
      expect([values['lastword_deliveries_owed'], values['lastword_worker_connected']]).toEqual([undefined, 1]);
      expect((await get('/healthz')).status).toBe(200);
    }
  });

  it('the store is asked at most each five seconds, however often somebody collects', async () => {
    let asked = 0;
    const { get } = await operating({
      store: { owedByName: async () => ((asked += 1), {}), oldestOwed: async () => undefined },
    });
    await Promise.all(Array.from({ length: 12 }, async () => (await get('/metrics')).text()));
    expect(asked).toBe(1);
  });

  it('is reached from this machine alone, and a port that is taken is said at the start', async () => {
    const { one } = await operating();
    await expect(operating({ port: one.port })).rejects.toThrow(
      /--metrics-port: expected a port of 127\.0\.0\.1 .*taken/,
    );
    const others = Object.values((await import('node:os')).networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of others) {
      const isOpen = await new Promise<boolean>((resolve) => {
        const socket = connect({ host: address, port: one.port, timeout: 1_000 });
        const settle = (answer: boolean) => (socket.destroy(), resolve(answer));
        socket
          .once('connect', () => settle(true))
          .once('error', () => settle(false))
          .once('timeout', () => settle(false));
      });
      expect(isOpen, address).toBe(false);
    }
  });
});

describe('a real keeper', () => {
  it('tells of its worker, its calls, their silence and their lines, and is not ready when they end', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lastword-metrics-'));
    const built = (name: string) => new URL(`../../dist/test/unit/${name}.js`, import.meta.url).pathname;
    const keeper = spawn(
      process.execPath,
      [built('metrics-keeper-process'), directory, built('metrics-worker-process')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let printed = '';
    keeper.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
    const gone = new Promise((resolve) => keeper.once('exit', resolve));
    try {
      await expect.poll(() => /"metricsPort":(\d+)/.exec(printed)?.[1], { timeout: 20_000 }).toBeDefined();
      const port = /"metricsPort":(\d+)/.exec(printed)?.[1] ?? '';
      const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
      const values = async () => valuesIn(await (await get('/metrics')).text());
      await expect.poll(async () => (await get('/readyz')).status, { timeout: 20_000 }).toBe(200);
      await expect
        .poll(async () => (await values())['lastword_silence_seconds'], { timeout: 10_000 })
        .toBeGreaterThanOrEqual(4);
      expect(await values()).toMatchObject({
        'lastword_build_info{version="9.9.9"}': 1,
        'lastword_calls{state="running"}': 1,
        lastword_calls_accepted_total: 1,
        'lastword_lines_spoken_total{line="filler"}': 2,
        'lastword_lines_spoken_total{line="nudge"}': 1,
        'lastword_accept_seconds_bucket{le="+Inf"}': 1,
        lastword_worker_connected: 1,
      });
      keeper.kill('SIGTERM');
      await expect
        .poll(async () => (await get('/readyz').catch(() => ({ status: 503 }))).status, { timeout: 5_000 })
        .toBe(503);
    } finally {
      keeper.kill('SIGTERM');
      const limit = setTimeout(() => keeper.kill('SIGKILL'), 15_000);
      await gone;
      clearTimeout(limit);
      rmSync(directory, { recursive: true, force: true });
    }
  }, 60_000);
});

describe('the dashboard', () => {
  const text = readFileSync(new URL('../../docs/grafana.json', import.meta.url), 'utf8');
  const names = metricsOf(new KeeperCounts(), gauges).map(({ name }) => name);
  const panels = (JSON.parse(text) as { panels: { title: string; targets?: { expr: string }[] }[] }).panels;
  const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  it('asks only for what there is', () => {
    const wanted = [...new Set(asked.flatMap((expr) => expr.match(/\b(?:lastword|process)_[a-z_]+/g) ?? []))];
    const ofHistogram = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
    expect(wanted.filter((name) => !names.includes(name) && !names.includes(ofHistogram(name)))).toEqual([]);
    expect(wanted.length).toBeGreaterThan(10);
  });

  it('and docs/operating.md explains each name, and no other', () => {
    const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
    const explained = [...page.matchAll(/^\| `((?:lastword|process)_[a-z_]+)/gm)].map(([, name = '']) => name);
    expect(new Set(explained)).toEqual(new Set(names));
  });
});
