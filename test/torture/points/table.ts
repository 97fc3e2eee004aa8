/** The kill points as rows of the table in docs/guarantees.md. Pure. */
import { deliveryPoints } from './delivery-points.ts';
import { inLane, type Outcome, points } from './points.ts';

const promised: Record<Outcome, string> = {
  answered: 'the agent is called for again, and the call is as any other',
  unharmed: 'the caller hears nothing of it',
  'goes on': 'the caller hears the agent again',
  released: 'the caller is let go',
  either: 'the caller hears the agent again, or is let go',
  ended: 'the caller is let go, and the end stays what it was',
};
const requested = {
  1: 'the receiver gets it once',
  2: 'the receiver gets it once or twice, the same bytes under the same id',
};

export const rowsOfTable = (): string[] => [
  ...points.map(
    ({ id, where, dies, outcome }) =>
      `| ${id} | ${where} | ${dies} | ${promised[outcome]} | ${inLane.includes(id) ? 'e2e' : 'command'} |`,
  ),
  ...deliveryPoints.map(
    ({ id, where, dies, requests }) => `| ${id} | ${where} | ${dies} | ${requested[requests]} | crash |`,
  ),
];
