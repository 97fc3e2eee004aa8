/** Stands in for the process of one call. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { surviveLostOutput } from '../../../src/output/own-output.ts';
import { openCall } from './besieged-call.ts';
import { takeOrders } from './orders.ts';
import { jobPort, readScenario, type Offer } from './scenario.ts';

/** Between the end of the call and of this process: the order that ended it is answered. */
const LAST_MS = 50;
const scenario = readScenario();
const offer = JSON.parse(process.argv[2] ?? '{}') as Offer;

surviveLostOutput();
writeFileSync(join(scenario.scratch, `job-${process.pid}.pid`), String(process.pid));
const call = await openCall(scenario, offer, () => void setTimeout(() => process.exit(0), LAST_MS));
setInterval(() => undefined, 60_000);

await takeOrders(jobPort(scenario, offer.session), call);
