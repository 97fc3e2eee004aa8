/** The ledger for a terminal: the sums that have to agree, and each difference by name. Pure. */
import type { Tally } from '../reads/answers.ts';
import { oneLine, type Paint, table } from './paint.ts';

export function ledgerText(tally: Tally, paint: Paint): string {
  const { accepted, sealed, open, delivered, due, dead, undeliverable, isBalanced, differences } = tally;
  const number = (count: number) => count.toLocaleString('en-US');
  const sums = [
    ['accepted', number(accepted), `= ${number(sealed)} sealed + ${number(open)} open`],
    [
      'sealed',
      number(sealed),
      `= ${number(delivered)} delivered + ${number(due)} due + ${number(dead)} dead + ${number(undeliverable)} for nobody`,
    ],
  ];
  const verdict = isBalanced ? paint('good', 'It balances.') : paint('bad', 'It does not balance:');
  const named = differences.map(({ session, what }) => [oneLine(session), oneLine(what)]);
  return [table(sums), '', verdict, ...(named.length > 0 ? [table(named)] : [])].join('\n');
}
