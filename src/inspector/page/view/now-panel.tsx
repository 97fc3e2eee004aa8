/** Where the machines stood at this entry: states, limits that run down, effects that are awaited, what they remember. */
import type { Lanes, MachineAt, StateAt } from '../../../reads/answers.ts';
import type { CallModel } from '../model/call-model.ts';
import type { PageModel } from '../model/page-model.ts';
import { limitBars, type LimitBar } from '../place/limit-bars.ts';
import { lasting, sinceBegin } from '../place/time-words.ts';
import { WhenAnswered, JsonTree, Notice } from './parts.tsx';

export function NowPanel({ model, call }: { model: PageModel; call: CallModel }) {
  const lanes = call.lanes.loaded.value.value;
  return (
    <WhenAnswered of={call.state.loaded.value} waiting="Walking the machine again…">
      {(state) => {
        const isNow = call.isAtEnd.value && lanes !== undefined && !lanes.isOver;
        const at = isNow ? Math.max(state.at, model.now.value) : state.at;
        const from = lanes?.from ?? state.at;
        const unknown = state.machines.filter(({ refused }) => refused !== null);
        const isWalking = state.machines.some(({ source, refused }) => source === 'recorded' && refused === null);
        return (
          <div class="now">
            <p class="now-at quiet">
              {isNow ? 'now' : sinceBegin(at - from)}
              {' · '}
              {isWalking
                ? 'as it was written down; deadlines and memory are being computed…'
                : 'computed from the journal; nothing is executed again'}
            </p>
            {state.machines.length === 0 && <Notice>No machine has begun yet.</Notice>}
            {inOrder(state.machines).map((machine) => (
              <Machine key={`${machine.machine} ${machine.file}`} machine={machine} at={at} lanes={lanes} />
            ))}
            {unknown.length > 0 && <WhyRecorded state={state} />}
          </div>
        );
      }}
    </WhenAnswered>
  );
}

/** The call's own machine first; those around it after it. */
const inOrder = (machines: readonly MachineAt[]): MachineAt[] => {
  const rank = ({ machine }: MachineAt) => ['recovery', 'session', 'supervision'].indexOf(machine);
  return [...machines].sort((one, other) => rank(one) - rank(other));
};

function Machine({ machine, at, lanes }: { machine: MachineAt; at: number; lanes: Lanes | undefined }) {
  const bars = limitBars(machine.limits, at, lanes);
  return (
    <section class="machine">
      <h2>
        <span class="machine-name">{machine.machine}</span>
        <span class="machine-words">{machine.words}</span>
      </h2>
      <ul class="states">
        {machine.states.map((state) => (
          <li key={state}>{state}</li>
        ))}
      </ul>
      {bars.length > 0 && (
        <>
          <h3>Deadlines</h3>
          <ul class="limits">
            {bars.map((bar) => (
              <Limit key={`${bar.limit.limit} ${bar.limit.state} ${bar.limit.armedAt}`} bar={bar} />
            ))}
          </ul>
        </>
      )}
      {machine.effects.length > 0 && (
        <>
          <h3>Awaited</h3>
          <ul class="effects">
            {machine.effects.map(({ name, state, since }) => (
              <li key={`${name} ${state}`}>
                <strong>{name}</strong>{' '}
                <span class="quiet">
                  for {lasting(at - since)}, in {state}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {machine.context !== null && (
        <details class="context">
          <summary>What it remembers</summary>
          <JsonTree value={machine.context} />
        </details>
      )}
    </section>
  );
}

function Limit({ bar }: { bar: LimitBar }) {
  const { limit, share, leftMs, went } = bar;
  const isNear = share > 0.8;
  const words = leftMs > 0 ? `${lasting(leftMs)} left of ${lasting(limit.ms)}` : `passed ${lasting(-leftMs)} ago`;
  const how = went && (went.isPassed ? '✕ it passed' : `✓ ended with ${lasting(went.marginMs)} to spare`);
  return (
    <li class={isNear ? 'is-near' : ''}>
      <div class="limit-words">
        <strong>{limit.limit}</strong>
        <span>{words}</span>
      </div>
      <progress max={1} value={1 - share} aria-label={`${limit.limit}: ${words}`} />
      <div class="limit-words quiet">
        <span>in {limit.state}</span>
        <span>{how ?? ''}</span>
      </div>
    </li>
  );
}

function WhyRecorded({ state }: { state: StateAt }) {
  const reasons = [...new Set(state.machines.flatMap(({ refused }) => refused ?? []))];
  return (
    <Notice>
      Only the states that were written down are known here, without deadlines and memory: {reasons.join('; ')}.
    </Notice>
  );
}
