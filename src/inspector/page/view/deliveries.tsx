/** Deliveries with each attempt; what acts wants a secret that is typed. */
import { useEffect, useMemo } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { DeliveryRow } from '../../../reads/answers.ts';
import { Latest } from '../model/loaded.ts';
import type { PageModel } from '../model/page-model.ts';
import { callView, hashOfView, type PageView } from '../place/page-address.ts';
import { counted, dayAndClock, lasting } from '../place/time-words.ts';
import { WhenAnswered, Notice } from './parts.tsx';

const states = ['', 'dead', 'due', 'delivering', 'delivered'] as const;

export function DeliveriesPage({ model, view }: { model: PageModel; view: Extract<PageView, { name: 'deliveries' }> }) {
  const latest = useMemo(() => new Latest<{ rows: DeliveryRow[] }>(), []);
  const { state } = view;
  useEffect(() => {
    const ask = () =>
      latest.ask(() => model.answers.read('deliveries', { limit: 200, ...(state !== '' && { state }) }));
    ask();
    const timer = setInterval(ask, 2_000);
    return () => clearInterval(timer);
  }, [state]);
  return (
    <main id="main" class="plain-page">
      <h1>Deliveries</h1>
      <label class="sort">
        <span>state</span>
        <select
          aria-label="state"
          value={state}
          onChange={({ currentTarget }) => model.go({ ...view, state: currentTarget.value })}
        >
          {states.map((each) => (
            <option key={each} value={each}>
              {each === '' ? 'all' : each}
            </option>
          ))}
        </select>
      </label>
      <WhenAnswered of={latest.loaded.value}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Notice>{state === '' ? 'No delivery yet.' : `None is ${state}.`}</Notice>
          ) : (
            <div class="cards">
              {rows.map((row) => (
                <DeliveryCard key={row.delivery} model={model} row={row} withCall />
              ))}
            </div>
          )
        }
      </WhenAnswered>
    </main>
  );
}

export function DeliveryCard({
  model,
  row,
  withCall = false,
}: {
  model: PageModel;
  row: DeliveryRow;
  withCall?: boolean;
}) {
  const tone = row.state === 'delivered' ? 'tone-good' : row.state === 'dead' ? 'tone-bad' : '';
  const hasRequests = row.history.some(({ signatures }) => signatures !== null);
  const sign = row.state === 'delivered' ? '✓ ' : row.state === 'dead' ? '✕ ' : '';
  return (
    <article class="card">
      <h2>
        <span class={tone}>
          {sign}
          {row.state === 'dead' ? 'dead letter' : row.state}
        </span>{' '}
        {row.kind}
      </h2>
      <p class="wrap">{row.destination}</p>
      <p class="quiet wrap">
        {row.delivery}, {counted(row.attempts, 'attempt')}, made {dayAndClock(row.createdAt)}
        {row.nextAt !== null && row.state === 'due' && `, next ${dayAndClock(row.nextAt)}`}
      </p>
      {hasRequests && (
        <p class="quiet wrap">
          webhook-id <code>{row.report}</code>: the same in each attempt. {VERIFIES}
        </p>
      )}
      {withCall && (
        <p>
          <a href={hashOfView(callView(row.session))}>{row.session}</a>
        </p>
      )}
      {row.lastError !== null && <p class="tone-bad wrap">✕ {row.lastError}</p>}
      {row.history.length > 0 && (
        <ol class="attempts">
          {row.history.map(({ at, ms, status, error, answer, signatures }) => (
            <li key={at}>
              <time>{dayAndClock(at)}</time> <strong>{status ?? 'no answer'}</strong>{' '}
              <span class="quiet">{lasting(ms)}</span>
              {signatures !== null && (
                <span class={signatures === 0 ? 'tone-bad' : 'quiet'}> {signedSays(signatures)}</span>
              )}
              {error !== null && <span class="tone-bad"> {error}</span>}
              {answer !== null && <pre>{answer}</pre>}
            </li>
          ))}
        </ol>
      )}
      {model.answers.isLive && (row.state === 'dead' || row.state === 'delivered') && (
        <Acting
          says="Deliver again"
          act={(secret) => model.answers.act('redeliver', { deliveries: [row.delivery], secret })}
        />
      )}
    </article>
  );
}

/** Secrets have no names, and are shown nowhere. */
const VERIFIES = 'Whether its signature is right, whoever has the secret can tell: the receiver.';
const signedSays = (secrets: number): string =>
  secrets === 0
    ? '✕ not signed'
    : `signed (v1) with ${secrets === 1 ? 'its secret' : `${secrets} secrets`}, for that second`;

/** A button that asks for the secret of --allow-actions before it does anything. */
export function Acting({ says, act }: { says: string; act: (secret: string) => Promise<void> }) {
  const isOpen = useSignal(false);
  const told = useSignal('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('secret') as HTMLInputElement;
    told.value = 'asked…';
    act(field.value).then(
      () => {
        told.value = '✓ done; it stands in the journal';
        isOpen.value = false;
      },
      (error: unknown) => (told.value = `✕ ${error instanceof Error ? error.message : String(error)}`),
    );
  };
  return (
    <div class="acting">
      {isOpen.value ? (
        <form onSubmit={submit} class="row">
          <label>
            <span>secret, from the terminal</span>
            <input name="secret" type="password" autocomplete="off" required />
          </label>
          <button type="submit" class="button strong">
            {says}
          </button>
          <button type="button" class="button" onClick={() => (isOpen.value = false)}>
            Leave it
          </button>
        </form>
      ) : (
        <button type="button" class="button" onClick={() => (isOpen.value = true)}>
          {says}…
        </button>
      )}
      <p role="status" class="quiet">
        {told.value}
      </p>
    </div>
  );
}
