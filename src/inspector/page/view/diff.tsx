/** Two calls side by side, step by step of their machine; the first difference is marked. */
import { useEffect, useMemo } from 'preact/hooks';
import type { Difference, EntryRow } from '../../../reads/answers.ts';
import { Latest } from '../model/loaded.ts';
import type { PageModel } from '../model/page-model.ts';
import { callView, hashOfView } from '../place/page-address.ts';
import { WhenAnswered, LongList, Notice } from './parts.tsx';

export function DiffPage({ model, one, other }: { model: PageModel; one: string; other: string }) {
  const latest = useMemo(() => new Latest<Difference>(), []);
  useEffect(() => latest.ask(() => model.answers.read('diff', { one, other })), [one, other]);
  return (
    <main id="main" class="plain-page diff">
      <h1>Two calls</h1>
      <WhenAnswered of={latest.loaded.value}>
        {(difference) => (
          <>
            <p>{difference.words}</p>
            <div class="diff-row diff-names">
              <a href={hashOfView(callView(one))}>{one}</a>
              <span />
              <a href={hashOfView(callView(other))}>{other}</a>
            </div>
            {difference.rows.length === 0 && <Notice>Neither has a step of its machine.</Notice>}
            <LongList
              count={difference.rows.length}
              rowHeight={28}
              followed={difference.first ?? -1}
              class="diff-rows"
              attributes={{ tabIndex: 0, role: 'group', 'aria-label': 'Steps of both' }}
              row={(index) => {
                const row = difference.rows[index];
                if (!row) return null;
                const isFirst = index === difference.first;
                return (
                  <div
                    key={index}
                    class={`diff-row ${row.isSame ? 'is-same' : 'is-other'} ${isFirst ? 'is-first' : ''}`}
                  >
                    <Step row={row.one} session={one} />
                    <span
                      class="diff-sign"
                      aria-label={row.isSame ? 'the same' : isFirst ? 'first difference' : 'differs'}
                    >
                      {row.isSame ? '=' : isFirst ? '▸≠' : '≠'}
                    </span>
                    <Step row={row.other} session={other} />
                  </div>
                );
              }}
            />
          </>
        )}
      </WhenAnswered>
    </main>
  );
}

function Step({ row, session }: { row: EntryRow | null; session: string }) {
  if (!row) return <span class="quiet">—</span>;
  return (
    <a class="diff-step" href={hashOfView(callView(session, { at: row.index }))}>
      {row.text} <span class="quiet">{row.aside ?? ''}</span>
    </a>
  );
}
