/**
 * A generated drawing of a machine as the page shows it. *Pure.*
 *
 *   C1  Colours and fonts become classes: the page colours them by day and by night. Nothing of its own style stays.
 *   C2  Boxes keep the ids of their states, and become rectangles: a fifth of the text.
 *   C3  One system of coordinates: that of the boxes is that of the view.
 */
type Shape = { name: string; text: string; attributes: Record<string, string> };

const fills: Record<string, string> = {
  '#fff3d6': 'c-silent',
  '#dff3e3': 'c-audible',
  '#e4ecf7': 'c-released',
};
const inks: Record<string, string> = {
  '#8a3b12': 'c-way',
  '#1f5fa8': 'c-effect',
  '#39424e': 'c-quiet',
  '#5b6470': 'c-quiet',
};

export function chartForPage(svg: string): string {
  const [, x = '0', y = '0'] = /<g id="graph0"[^>]*translate\(([-\d.]+) ([-\d.]+)\)/.exec(svg) ?? [];
  const [, width = '0', height = '0'] = /viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  const box = [-Number(x), -Number(y), Number(width), Number(height)].map(rounded).join(' ');
  const groups = [...svg.matchAll(/<g id="([^"]+)" class="(cluster|node|edge)">([\s\S]*?)<\/g>/g)];
  if (groups.length === 0) throw new Error('drawing: expected groups as Graphviz writes them, got none');
  const body = groups.map(([, id = '', kind = '', inner = '']) => groupOf(id, kind, inner)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" data-box="${box}">\n${body}\n</svg>\n`;
}

function groupOf(id: string, kind: string, inner: string): string {
  const shapes = [...inner.matchAll(/<(path|polygon|ellipse|text)\b([^>]*?)(?:\/>|>([^<]*)<\/text>)/g)].map(
    ([, name = '', attributes = '', text = '']): Shape => ({ name, text, attributes: attributesOf(attributes) }),
  );
  const drawn = shapes.map((shape) => shapeOf(shape, kind)).join('');
  if (kind !== 'edge') return `<g id="${id}">${drawn}</g>`;
  const title = /<title>([^<]*)<\/title>/.exec(inner)?.[1] ?? '';
  return `<g class="edge" data-way="${title.replace('&#45;&gt;', ' ')}">${drawn}</g>`;
}

const attributesOf = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));

function shapeOf({ name, text, attributes }: Shape, kind: string): string {
  const far = attributes['stroke'] === '#b8bec6' ? ' c-far' : '';
  if (name === 'text') {
    const words = text.replaceAll(/(&#160;|\s)+/g, ' ').trim();
    if (words === '') return '';
    const tone = attributes['font-weight'] === 'bold' ? ' c-strong' : (inks[attributes['fill'] ?? ''] ?? '');
    const place = `x="${rounded(Number(attributes['x']))}" y="${rounded(Number(attributes['y']))}"`;
    return `<text class="c-text${tone === '' ? '' : ` ${tone.trim()}`}" ${place} font-size="${Number(attributes['font-size'])}">${words}</text>`;
  }
  if (name === 'ellipse')
    return `<circle class="c-head" cx="${attributes['cx']}" cy="${attributes['cy']}" r="${attributes['rx']}"/>`;
  if (name === 'polygon')
    return `<path class="c-head${far}" d="M${shorter(attributes['points'] ?? '').replaceAll(' ', 'L')}z"/>`;
  if (kind === 'edge') return `<path class="c-edge${far}" d="${shorter(attributes['d'] ?? '')}"/>`;
  const fill = kind === 'cluster' ? 'c-cluster' : `c-box ${fills[attributes['fill'] ?? ''] ?? ''}`.trim();
  const dashed = attributes['stroke-dasharray'] === undefined ? '' : ' c-dashed';
  return `<rect class="${fill}${dashed}" ${rectangleOf(attributes['d'] ?? '')} rx="7"/>`; // C2
}

function rectangleOf(path: string): string {
  const numbers = [...path.matchAll(/-?[\d.]+/g)].map(Number);
  const [xs, ys] = [numbers.filter((_, place) => place % 2 === 0), numbers.filter((_, place) => place % 2 === 1)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return `x="${rounded(x)}" y="${rounded(y)}" width="${rounded(Math.max(...xs) - x)}" height="${rounded(Math.max(...ys) - y)}"`;
}

const rounded = (value: number): string => String(Math.round(value * 10) / 10);
const shorter = (numbers: string): string =>
  numbers.replaceAll(/-?\d+\.\d+/g, (number) => String(Math.round(Number(number))));
