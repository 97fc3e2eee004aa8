/**
 * The path of a call through the chart: the shapes of docs/machines/session.svg that it went through are lit, the others are
 * dim. Pure. Only ids that the chart has are written: states of a journal are a stranger's words.
 */
const idOf = (leaf: string): string => leaf.replaceAll('.', '_');

const decoded = (title: string): string =>
  title.replaceAll('&#45;', '-').replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&');

/** @param path the states that it was in, in order, each by its leaves @throws Error where the text is no chart */
export function litChart(svg: string, path: readonly (readonly string[])[]): string {
  const opening = /<svg\b[^>]*>/.exec(svg)?.[0];
  if (opening === undefined) throw new Error('expected an SVG of a machine, got another text');
  const ids = new Set([...svg.matchAll(/<g id="([\w-]+)" class="(?:node|cluster)"/g)].map(([, id = '']) => id));
  const titles = new Map(
    [...svg.matchAll(/<g id="([\w-]+)" class="node">\s*<title>([^<]*)<\/title>/g)].map(([, id = '', title = '']) => [
      decoded(title),
      id,
    ]),
  );
  const lit = new Set<string>();
  for (const leaves of path)
    for (const leaf of leaves) {
      const keys = leaf.split('.');
      for (const [index] of keys.entries()) lit.add(idOf(keys.slice(0, index + 1).join('.')));
    }
  const last = new Set((path.at(-1) ?? []).map(idOf));
  const steps = new Set(
    path
      .slice(1)
      .flatMap((to, index) => (path[index] ?? []).flatMap((from) => to.map((leaf) => `${idOf(from)}->${idOf(leaf)}`))),
  );
  const edges = [...svg.matchAll(/<g id="(edge\d+)" class="edge">\s*<title>([^<]*)<\/title>/g)].flatMap(
    ([, id = '', title = '']) => {
      const ends = decoded(title)
        .split('->')
        .map((end) => titles.get(end) ?? end);
      return steps.has(ends.join('->')) ? [id] : [];
    },
  );
  const select = (all: Iterable<string>) =>
    [...all].filter((id) => ids.has(id) || edges.includes(id)).map((id) => `#${id}`);
  const shapes = (all: readonly string[]) => all.map((id) => `${id} > :is(path, polygon, ellipse)`).join(', ');
  const rule = (selectors: string, body: string) => (selectors === '' ? '' : `${selectors} { ${body} }\n`);
  const style = [
    '.node, .edge { opacity: 0.3 }\n',
    rule(select([...lit, ...edges]).join(', '), 'opacity: 1'),
    rule(shapes(select(lit)), 'stroke: #b3530a; stroke-width: 2.5'),
    rule(shapes(select(edges)), 'stroke: #b3530a; stroke-width: 2.5'),
    rule(shapes(select(last)), 'stroke: #7a1f0a; stroke-width: 4; fill: #ffd9b8'),
  ].join('');
  return svg.replace(opening, () => `${opening}\n<style>\n${style}</style>`);
}
