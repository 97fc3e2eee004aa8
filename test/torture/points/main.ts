/**
 * Every kill point of docs/guarantees.md that needs a call, on a real server, one after the other.
 *
 *   npm run kill-points [-- K8 K19]
 *
 * Exit code 1 when a promise was broken; then the directory with all journals stays, and is named.
 */
import { startLiveKitServer } from '../../e2e/harness/index.ts';
import { points } from './points.ts';
import { openRunner } from './run-point.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((id) => !points.some((point) => point.id === id));
if (unknown.length > 0) {
  console.error(`expected kill points of docs/guarantees.md (K1 to ${points.at(-1)?.id}), got ${unknown.join(', ')}`);
  process.exit(2);
}
process.env['LASTWORD_KEEP'] = '1'; // all journals, for whoever looks for the cause
const begunAt = Date.now();
const server = await startLiveKitServer();
const runner = await openRunner(server);
const chosen = points.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
let brokenCount = 0;
for (const point of chosen) {
  const startedAt = Date.now();
  const { broken, ended, silentMs, reason, struck } = await runner.run(point);
  const took = ((Date.now() - startedAt) / 1000).toFixed(1);
  const heard = silentMs === undefined ? '' : `, next sound after ${silentMs} ms`;
  console.log(`${point.id} ${point.dies}: ${point.where} · ${ended} (${reason})${heard} · ${took} s`);
  for (const each of broken) console.log(`  BROKEN ${each}`);
  if (broken.length === 0) continue;
  for (const each of struck) console.log(`  died there: ${JSON.stringify(each)}`);
  brokenCount += 1;
}
console.log(`${chosen.length} points, ${brokenCount} broken, ${Math.round((Date.now() - begunAt) / 1000)} s`);
if (brokenCount > 0) console.log(`all journals, and the log: ${runner.deployment.directory}`);
await runner[Symbol.asyncDispose]();
await server.stop();
process.exit(brokenCount > 0 ? 1 : 0);
