/** Accepted = sealed = delivered: where it is not, each difference is a link. */
import { useEffect, useMemo } from 'preact/hooks';
import type { Tally } from '../../../reads/answers.ts';
import { Latest } from '../model/loaded.ts';
import type { PageModel } from '../model/page-model.ts';
import { callView, hashOfView } from '../place/page-address.ts';
import { WhenAnswered } from './parts.tsx';

export function LedgerPage({ model }: { model: PageModel }) {
  const latest = useMemo(() => new Latest<Tally>(), []);
  useEffect(() => {
    const ask = () => latest.ask(() => model.answers.read('ledger', {}));
    ask();
    const timer = setInterval(ask, 2_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <main id="main" class="plain-page">
      <h1>Ledger</h1>
      <WhenAnswered of={latest.loaded.value}>{(tally) => <Balance tally={tally} />}</WhenAnswered>
    </main>
  );
}

function Balance({ tally }: { tally: Tally }) {
  const number = (count: number) => count.toLocaleString('en-US');
  const figure = (count: number, says: string, note: string) => (
    <div class="figure">
      <strong>{number(count)}</strong>
      <span>{says}</span>
      <small class="quiet">{note}</small>
    </div>
  );
  const isSealed = tally.accepted === tally.sealed + tally.open;
  return (
    <>
      <p class={tally.isBalanced ? 'tone-good' : 'tone-bad'}>
        {tally.isBalanced
          ? '✓ It balances: every accepted call has its report, and every report went where it was to go.'
          : '✕ It does not balance.'}
      </p>
      <div class="balance">
        {figure(tally.accepted, 'accepted', `${number(tally.open)} open`)}
        <span class="equals">{isSealed ? '=' : '≠'}</span>
        {figure(tally.sealed, 'sealed', `${number(tally.undeliverable)} without a destination`)}
        <span class="equals">{tally.isBalanced ? '=' : '≠'}</span>
        {figure(tally.delivered, 'delivered', `${number(tally.due)} due, ${number(tally.dead)} dead letters`)}
      </div>
      {tally.differences.length > 0 && (
        <ul class="differences">
          {tally.differences.map(({ session, what }) => (
            <li key={`${session} ${what}`}>
              <a href={hashOfView(callView(session))}>{session}</a> {what}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
