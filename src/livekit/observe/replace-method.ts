/**
 * Looks on at a method, unnoticed: on the one instance, by a proxy of the method itself, so that whatever is asked of
 * the method (its name, its properties, a spy's calls) is answered by it. `act` gets what was given, and calls.
 */
export function replaceMethod<Target extends object>(
  target: Target,
  name: keyof Target & string,
  act: (given: unknown[], call: () => unknown) => unknown,
): void {
  const method = Reflect.get(target, name) as (...given: unknown[]) => unknown;
  const value = new Proxy(method, {
    apply: (original, self, given: unknown[]) => act(given, () => Reflect.apply(original, self, given)),
  });
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}
