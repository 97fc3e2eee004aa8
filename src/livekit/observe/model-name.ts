/** What a model is called: two voices of one provider have the same label, and differ by their model. */

type Named = { label?: unknown; provider?: unknown; model?: unknown };

/** The SDK's word for a model that does not say. */
const UNKNOWN = 'unknown';

export function modelNameOf(component: string, given: unknown): { label: string; provider?: string; model?: string } {
  const named = (given ?? {}) as Named;
  const label: unknown = typeof named.label === 'function' ? Reflect.apply(named.label, given, []) : named.label;
  const told = (value: unknown): value is string => typeof value === 'string' && value !== UNKNOWN;
  return {
    label: typeof label === 'string' ? label : component,
    ...(told(named.provider) && { provider: named.provider }),
    ...(told(named.model) && { model: named.model }),
  };
}
