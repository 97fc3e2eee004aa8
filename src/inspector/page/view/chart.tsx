/**
 * The machine as it is drawn in the documentation, lit where the call stands.
 *
 *   D1  What is lit is in view; who moves the chart with the hand has it where they put it, until they ask for what is
 *       lit again.
 *   D2  The whole drawing is laid out once, in its own size, and moved and scaled as one picture: another `viewBox` would
 *       lay out each of its words again, 10 ms at each step.
 *   D3  The transition that led here is an arrow from box to box: it pulses once, and not where motion is not wanted.
 */
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useSignal, type Signal } from '@preact/signals';
import type { StateAt } from '../../../reads/answers.ts';
import type { CallModel } from '../model/call-model.ts';
import type { PageModel } from '../model/page-model.ts';
import { ancestorsOf, chartIdOf, isRestState, movedPath } from '../place/chart-ids.ts';
import type { LitMachine } from '../place/lit-states.ts';
import {
  boxAround,
  fittedView,
  isWellWithin,
  transformTo,
  wholeView,
  zoomedView,
  type Box,
} from '../place/fitted-view.ts';
import { Notice, Tabs } from './parts.tsx';

/** Where all that is lit would be so small, regions that rest may be out of view. */
const SMALL = 1.3;

export function ChartPart({ model, call }: { model: PageModel; call: CallModel }) {
  const lit = call.lit.value;
  const chosen = useSignal<string | undefined>(undefined);
  const names = ['session', ...[...lit.machines.keys()].filter((name) => name !== 'session')];
  const unique = [...new Set(names)].filter((name) => /^[a-z]+$/.test(name));
  const usual = lit.moved !== null && unique.includes(lit.moved.machine) ? lit.moved.machine : 'session';
  const name = chosen.value !== undefined && unique.includes(chosen.value) ? chosen.value : usual;
  const machine = lit.machines.get(name);
  return (
    <section class="chart-part" aria-label="The machine">
      <div class="part-head">
        <Tabs label="Machine" names={unique} chosen={name} choose={(each) => (chosen.value = each)} />
        <Where machine={machine} />
      </div>
      <Chart
        key={name}
        model={model}
        name={name}
        states={machine?.states ?? []}
        moved={lit.moved?.machine === name ? lit.moved : null}
      />
    </section>
  );
}

function Where({ machine }: { machine: LitMachine | undefined }) {
  return <span class="where quiet">{machine?.states.join(' + ') ?? 'not begun'}</span>;
}

function Chart(props: { model: PageModel; name: string; states: string[]; moved: StateAt['moved'] }) {
  const { model, name, states, moved } = props;
  const box = useRef<HTMLDivElement>(null);
  const drawn = useSignal<SVGSVGElement | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const view = useSignal<Box | undefined>(undefined);
  /** D1. */
  const isByHand = useSignal(false);
  useEffect(() => {
    let isGone = false;
    model.answers.chart(name).then(
      (text) => {
        if (isGone) return;
        const svg = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
        const own = document.importNode(svg, true) as unknown as SVGSVGElement;
        const { width, height } = chartBox(own);
        own.setAttribute('width', String(width));
        own.setAttribute('height', String(height));
        drawn.value = own;
      },
      (error: unknown) => (problem.value = error instanceof Error ? error.message : String(error)),
    );
    return () => {
      isGone = true;
    };
  }, [name]);
  const svg = drawn.value;
  const move = () => {
    const to = view.peek();
    if (svg && to && size.current) svg.style.transform = transformTo(to, chartBox(svg), size.current); // D2
  };
  const key = states.join(' ');
  useLayoutEffect(() => {
    if (!svg || !box.current) return;
    size.current ??= sizeOf(box.current);
    light(svg, states, moved);
    place(svg, size.current, view, isByHand.value, states);
    if (svg.parentNode === box.current) return;
    move(); // before it is laid out for the first time
    box.current.replaceChildren(svg);
  }, [svg, key, moved?.event, moved?.from.join(), isByHand.value]);
  useLayoutEffect(move, [svg, view.value]);
  useEffect(() => {
    const element = box.current;
    if (!element || !svg) return undefined;
    const sizes = new ResizeObserver(() => {
      size.current = sizeOf(element);
      view.value = undefined;
      place(svg, size.current, view, false, statesNow.current);
    });
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [svg]);
  /** Measured when it changes, and not at each step. */
  const size = useRef<Size | undefined>(undefined);
  const statesNow = useRef(states);
  statesNow.current = states;
  const whole = () => {
    if (!svg || !box.current) return;
    isByHand.value = true;
    view.value = wholeView(chartBox(svg), sizeOf(box.current));
  };
  const zoom = (factor: number, at?: { x: number; y: number }) => {
    const now = view.peek();
    if (!svg || !now) return;
    isByHand.value = true;
    view.value = zoomedView(now, factor, at ?? { x: now.x + now.width / 2, y: now.y + now.height / 2 }, chartBox(svg));
  };
  const pan = (x: number, y: number) => {
    const now = view.peek();
    if (!now) return;
    isByHand.value = true;
    view.value = { ...now, x: now.x + x * now.width, y: now.y + y * now.height };
  };
  const pointAt = (event: MouseEvent) => {
    const now = view.peek();
    const rect = box.current?.getBoundingClientRect();
    if (!now || !rect) return undefined;
    return {
      x: now.x + ((event.clientX - rect.left) / rect.width) * now.width,
      y: now.y + ((event.clientY - rect.top) / rect.height) * now.height,
    };
  };
  useEffect(() => {
    const element = box.current;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey || !event.shiftKey) zoom(Math.exp(event.deltaY * 0.0016), pointAt(event));
      else pan(event.deltaY / 800, 0);
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  }, [svg]);
  const onPointerMove = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect();
    if (event.buttons !== 1 || !rect) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    pan(-event.movementX / rect.width, -event.movementY / rect.height);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const ways: Record<string, [number, number]> = {
      ArrowLeft: [-0.15, 0],
      ArrowRight: [0.15, 0],
      ArrowUp: [0, -0.15],
      ArrowDown: [0, 0.15],
    };
    const way = ways[event.key];
    if (way) pan(...way);
    else if (event.key === '+' || event.key === '=') zoom(0.75);
    else if (event.key === '-') zoom(1.33);
    else if (event.key === '0') whole();
    else if (event.key === 'Enter') isByHand.value = false;
    else return;
    event.preventDefault();
  };
  return (
    <div class="chart">
      {problem.value !== undefined && <Notice tone="bad">{problem.value}</Notice>}
      <div
        class="chart-window"
        ref={box}
        role="application"
        tabIndex={0}
        data-keys="chart"
        aria-label={`Diagram of ${name}; lit: ${states.join(', ') || 'nothing'}. Arrows move it, plus and minus zoom, 0 shows all, Enter what is lit.`}
        onPointerMove={onPointerMove}
        onKeyDown={onKeyDown}
      />
      <div class="chart-tools">
        <button type="button" class="button icon" aria-label="nearer" title="nearer" onClick={() => zoom(0.7)}>
          +
        </button>
        <button type="button" class="button icon" aria-label="further" title="further" onClick={() => zoom(1.43)}>
          −
        </button>
        <button type="button" class="button" onClick={whole}>
          whole
        </button>
        <button
          type="button"
          class="button"
          aria-pressed={!isByHand.value}
          onClick={() => {
            view.value = undefined;
            isByHand.value = !isByHand.value;
          }}
        >
          lit
        </button>
      </div>
    </div>
  );
}

type Size = { width: number; height: number };
const sizeOf = (element: Element): Size => ({ width: element.clientWidth || 1, height: element.clientHeight || 1 });
const chartBox = (svg: SVGSVGElement): Box => {
  const [x = 0, y = 0, width = 1, height = 1] = (svg.dataset['box'] ?? '').split(' ').map(Number);
  return { x, y, width, height };
};
/** As it is written (test/page/chart-for-page.ts, C3): to measure it would lay out the whole drawing again, at each step. */
const boxOf = (svg: SVGSVGElement, state: string): Box | undefined => {
  const rect = shapeOf(svg, state)?.querySelector('rect');
  if (!rect) return undefined;
  const { x, y, width, height } = rect;
  return { x: x.baseVal.value, y: y.baseVal.value, width: width.baseVal.value, height: height.baseVal.value };
};
const shapeOf = (svg: SVGSVGElement, state: string): SVGGElement | null =>
  svg.querySelector(`#${CSS.escape(chartIdOf(state))}`);

function place(
  svg: SVGSVGElement,
  size: Size,
  view: Signal<Box | undefined>,
  isByHand: boolean,
  states: readonly string[],
): void {
  if (isByHand) return;
  const chart = chartBox(svg);
  const around = (of: readonly string[]) => boxAround(of.flatMap((state) => boxOf(svg, state) ?? []));
  const every = around(states);
  const isSmall = every !== undefined && fittedView(every, chart, size).width > size.width * SMALL;
  const lit = (isSmall ? around(states.filter((state) => !isRestState(state))) : undefined) ?? every;
  const now = view.peek();
  if (!lit) {
    if (!now) view.value = wholeView(chart, size);
    return;
  }
  const fitted = fittedView(lit, chart, size);
  if (now && isWellWithin(lit, now) && now.width < fitted.width * 1.6) return;
  view.value = fitted;
}

function light(svg: SVGSVGElement, states: readonly string[], moved: StateAt['moved']): void {
  const marked = { lit: states, around: states.flatMap(ancestorsOf) };
  for (const [name, of] of Object.entries(marked)) {
    const now = new Set<Element>(of.flatMap((state) => shapeOf(svg, state) ?? []));
    // What stays lit is not touched: each shape that is costs a new look at all styles below it.
    for (const shape of svg.querySelectorAll(`.${name}`)) if (!now.has(shape)) shape.classList.remove(name);
    for (const shape of now) shape.classList.add(name);
  }
  svg.querySelector('.moved')?.remove();
  if (!moved) return; // D3
  const arrows = moved.to
    .filter((to) => !moved.from.includes(to))
    .flatMap((to) => {
      const from = moved.from.find((each) => !moved.to.includes(each)) ?? moved.from[0];
      const [one, other] = [from === undefined ? undefined : boxOf(svg, from), boxOf(svg, to)];
      return one && other ? [movedPath(one, other)] : [];
    });
  const group = document.createElementNS('http://www.w3.org/2000/svg', 'g');
  group.setAttribute('class', 'moved');
  for (const { line, head } of arrows.slice(0, 4))
    for (const [d, name] of [
      [line, 'moved-line'],
      [head, 'moved-head'],
    ] as const) {
      const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      path.setAttribute('d', d);
      path.setAttribute('class', name);
      group.append(path);
    }
  svg.append(group);
}
