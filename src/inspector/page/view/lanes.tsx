/**
 * Who was audible, and who waited: lanes on one line of time, which is the slider as well. What lies behind the reader's
 * place is dimmed; the death of a process crosses all lanes.
 */
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { LaneName, Lanes, Span } from '../../../reads/answers.ts';
import type { CallModel } from '../model/call-model.ts';
import type { PageModel } from '../model/page-model.ts';
import { AXIS_HEIGHT, fittingLabel, lanesDrawing, type DrawnLane, type LanesDrawing } from '../place/lanes-drawing.ts';
import { crowdShapes, LABELLED_HEIGHT, parted, spanUnder, type PlacedSpan } from '../place/lane-rows.ts';
import { indexAt } from '../place/steps-between.ts';
import { lasting, sinceBegin } from '../place/time-words.ts';
import { WhenAnswered } from './parts.tsx';

const LABELS_WIDTH = 72;
const MOST_ZOOM = 64;
const laneSays: Record<LaneName, string> = {
  caller: 'caller',
  agent: 'agent',
  filler: 'filler',
  apology: 'apology',
  silence: 'silence',
  tools: 'tools',
  states: 'states',
  limits: 'limits',
  effects: 'effects',
  epochs: 'process',
};

export function LanesPart({ model, call }: { model: PageModel; call: CallModel }) {
  return (
    <section class="lanes" aria-label="Who was audible">
      <WhenAnswered of={call.lanes.loaded.value}>
        {(lanes) => <LanesDrawn model={model} call={call} lanes={lanes} />}
      </WhenAnswered>
    </section>
  );
}

function LanesDrawn({ model, call, lanes }: { model: PageModel; call: CallModel; lanes: Lanes }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(900);
  const zoom = useSignal(1);
  const isCollapsed = useSignal(true);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = () => (width.value = Math.max(200, element.clientWidth - 2));
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    measure();
    return () => sizes.disconnect();
  }, []);
  // A call that is over does not move; a living one moves ten times a second.
  const now = lanes.isOver ? 0 : model.now.value;
  const rows = call.all.value;
  const marks = useMemo(() => rows.map(({ at }) => at), [rows]);
  const drawnWidth = width.value * zoom.value;
  const drawing = useMemo(
    () => lanesDrawing(lanes, { width: drawnWidth, now, isCollapsed: isCollapsed.value, marks }),
    [lanes, drawnWidth, now, isCollapsed.value, marks],
  );
  return (
    <>
      <LanesHead lanes={lanes} drawing={drawing} zoom={zoom} isCollapsed={isCollapsed} />
      <div class="lanes-body">
        <div
          class="lanes-names"
          aria-hidden="true"
          style={{ height: `${drawing.height}px`, width: `${LABELS_WIDTH}px` }}
        >
          {drawing.lanes.map(({ lane, top, height }) => (
            <span key={lane} class={`lane-name lane-${lane}`} style={{ top: `${top}px`, height: `${height}px` }}>
              {laneSays[lane]}
            </span>
          ))}
        </div>
        <div class="lanes-view" ref={box}>
          <Surface model={model} call={call} lanes={lanes} drawing={drawing} box={box} viewWidth={width.value} />
        </div>
      </div>
    </>
  );
}

function LanesHead(props: {
  lanes: Lanes;
  drawing: LanesDrawing;
  zoom: { value: number };
  isCollapsed: { value: boolean };
}) {
  const { lanes, drawing, zoom, isCollapsed } = props;
  const bad = lanes.lanes.find(({ lane }) => lane === 'silence')?.spans.filter(({ tone }) => tone === 'bad') ?? [];
  const { silenceBoundMs: bound, longestSilenceMs: longest } = lanes;
  return (
    <div class="lanes-head">
      <p>
        {longest > 0 ? (
          <>
            Longest wait in silence <strong class={bad.length > 0 ? 'tone-bad' : ''}>{lasting(longest)}</strong>
            {bound !== null && <span class="quiet"> of {lasting(bound)} that its policy allows</span>}
          </>
        ) : (
          <span class="quiet">Nobody waited in silence.</span>
        )}
        {bad.length > 0 && <span class="tone-bad"> ✕ {bad.length} too long</span>}
      </p>
      <div class="lanes-tools">
        {(drawing.scale.idle.length > 0 || !isCollapsed.value) && (
          <button
            type="button"
            class="chip"
            aria-pressed={isCollapsed.value}
            onClick={() => (isCollapsed.value = !isCollapsed.value)}
          >
            idle time collapsed
          </button>
        )}
        <button
          type="button"
          class="button icon"
          aria-label="less of time, wider"
          title="wider"
          disabled={zoom.value >= MOST_ZOOM}
          onClick={() => (zoom.value = Math.min(MOST_ZOOM, zoom.value * 2))}
        >
          +
        </button>
        <button
          type="button"
          class="button icon"
          aria-label="more of time, narrower"
          title="narrower"
          disabled={zoom.value <= 1}
          onClick={() => (zoom.value = Math.max(1, zoom.value / 2))}
        >
          −
        </button>
      </div>
    </div>
  );
}

function Surface(props: {
  model: PageModel;
  call: CallModel;
  lanes: Lanes;
  drawing: LanesDrawing;
  box: { current: HTMLDivElement | null };
  viewWidth: number;
}) {
  const { model, call, lanes, drawing, box, viewWidth } = props;
  const { scale, height } = drawing;
  const rows = call.all.value;
  const row = call.row.value;
  const isNow = call.isAtEnd.value && !lanes.isOver;
  const x = isNow ? scale.width : scale.xOf(row?.at ?? lanes.from);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || scale.width <= viewWidth + 4) return;
    const { scrollLeft, clientWidth } = element;
    if (x < scrollLeft + 30 || x > scrollLeft + clientWidth - 30) element.scrollLeft = x - clientWidth / 2;
  }, [x, scale.width, viewWidth]);
  const standAt = ({ clientX, currentTarget }: PointerEvent) => {
    const left = (currentTarget as Element).getBoundingClientRect().left;
    model.stand(indexAt(rows, scale.timeOf(clientX - left)));
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    standAt(event);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (event.buttons === 1) standAt(event);
  };
  const words = row ? `${sinceBegin(row.at - lanes.from)}, ${row.what} ${row.text}`.slice(0, 160) : 'nothing yet';
  return (
    <svg
      class="lanes-surface"
      width={scale.width}
      height={height}
      role="slider"
      tabIndex={0}
      aria-label="Place in the call"
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, rows.length - 1)}
      aria-valuenow={call.index.value}
      aria-valuetext={words}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
    >
      <defs>
        <pattern id="too-long" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch-ground" width="6" height="6" />
          <rect class="hatch-line" width="2" height="6" />
        </pattern>
      </defs>
      <LanesStill drawing={drawing} from={lanes.from} bound={lanes.silenceBoundMs} />
      <rect class="later" x={x} y={0} width={Math.max(0, scale.width - x)} height={height} />
      <g class={`cursor ${isNow ? 'is-now' : ''}`}>
        <line x1={x} x2={x} y1={AXIS_HEIGHT - 6} y2={height} />
        <path d={`M${x - 5},${AXIS_HEIGHT - 12}h10v5l-5,5l-5,-5z`} />
      </g>
    </svg>
  );
}

/** What does not move with the reader: drawn once for each answer. */
function LanesStill({ drawing, from, bound }: { drawing: LanesDrawing; from: number; bound: number | null }) {
  return useMemo(
    () => (
      <>
        {drawing.ticks.map(({ at, x }) => (
          <g key={at} class="tick">
            <line x1={x} x2={x} y1={AXIS_HEIGHT} y2={drawing.height} />
            <text x={x + 3} y={11}>
              {sinceBegin(at - from).replace(/\.0$/, '')}
            </text>
          </g>
        ))}
        {drawing.lanes.map((lane) => (
          <Lane key={lane.lane} lane={lane} width={drawing.scale.width} bound={bound} />
        ))}
        {drawing.scale.idle.map(({ left, right, from: begin, to }) => (
          <g key={begin} class="idle">
            <title>{`nothing was written for ${lasting(to - begin)}`}</title>
            <rect x={left} y={AXIS_HEIGHT} width={right - left} height={drawing.height - AXIS_HEIGHT} />
            <path d={zigzag(left, AXIS_HEIGHT, drawing.height)} />
            <path d={zigzag(right, AXIS_HEIGHT, drawing.height)} />
            <text x={(left + right) / 2} y={11} text-anchor="middle">
              {lasting(to - begin)}
            </text>
          </g>
        ))}
        {drawing.deaths.map(({ x, at, label }) => (
          <g key={`${at} ${label}`} class="death">
            <title>{label}</title>
            <line x1={x} x2={x} y1={AXIS_HEIGHT - 4} y2={drawing.height} />
            <text x={x} y={11} text-anchor={x > drawing.scale.width - 160 ? 'end' : 'start'}>
              {` ✕ ${label} `}
            </text>
          </g>
        ))}
      </>
    ),
    [drawing, from, bound],
  );
}

const zigzag = (x: number, top: number, bottom: number): string => {
  let path = `M${x},${top}`;
  for (let y = top, side = 1; y < bottom; y += 5, side = -side) path += `l${3 * side},2.5l${-3 * side},2.5`;
  return path;
};

function Lane({ lane, width, bound }: { lane: DrawnLane; width: number; bound: number | null }) {
  const isThin = lane.rowHeight < LABELLED_HEIGHT;
  const { single, crowd } = useMemo(() => parted(lane), [lane]);
  return (
    <g class={`lane lane-${lane.lane}`}>
      <rect class="lane-ground" x={0} y={lane.top} width={width} height={lane.height} rx={3} />
      {crowd.length > 0 && <Crowd lane={lane} spans={crowd} bound={bound} />}
      {single.map(({ span, row, x, width: wide }, place) => {
        const y = lane.top + row * (lane.rowHeight + 1);
        return (
          <g key={place} class={`span tone-${span.tone}`}>
            <title>{titleOf(span, lane.lane, bound)}</title>
            <rect x={x} y={y} width={wide} height={lane.rowHeight} rx={Math.min(3, wide / 2)} />
            {!isThin && (
              <text x={x + 4} y={y + lane.rowHeight - 4.5}>
                {fittingLabel(labelIn(span, lane.lane, bound), wide)}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

function Crowd({ lane, spans, bound }: { lane: DrawnLane; spans: readonly PlacedSpan[]; bound: number | null }) {
  const title = useSignal('');
  const shapes = useMemo(() => crowdShapes(spans, lane.top, lane.rowHeight), [spans]);
  const look = ({ clientX, clientY, currentTarget }: PointerEvent) => {
    const { left, top } = (currentTarget as SVGGElement).ownerSVGElement?.getBoundingClientRect() ?? {
      left: 0,
      top: 0,
    };
    const row = Math.floor((clientY - top - lane.top) / (lane.rowHeight + 1));
    const found = spanUnder(spans, row, clientX - left);
    title.value = found ? titleOf(found.span, lane.lane, bound) : '';
  };
  return (
    <g onPointerMove={look}>
      <title>{title.value}</title>
      {shapes.map(({ tone, d }) => (
        <path key={tone} class={`span crowd tone-${tone}`} d={d} />
      ))}
    </g>
  );
}

const lengthOf = ({ from, to }: Span): string => (to === null ? 'until now' : lasting(to - from));
const labelIn = (span: Span, lane: LaneName, bound: number | null): string => {
  if (lane !== 'silence') return span.label;
  if (span.tone === 'bad' && bound !== null) return `✕ ${lengthOf(span)} › ${lasting(bound)}`;
  return lengthOf(span);
};
const titleOf = (span: Span, lane: LaneName, bound: number | null): string =>
  lane === 'silence'
    ? `${span.label}${bound === null ? '' : `; ${lasting(bound)} are allowed`}`
    : `${span.label} (${lengthOf(span)})`;
