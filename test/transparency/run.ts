/** `npm run test:transparency`: all of the SDK's tests below dist/voice, bare and with us; prints the difference. */
import { measureDifference, shown } from './difference.ts';

const begun = performance.now();
const difference = await measureDifference();
console.log(shown(difference));
console.log(`${Math.round((performance.now() - begun) / 1000)} s`);
if (difference.lost.length > 0 || difference.stray.length > 0) process.exitCode = 1;
