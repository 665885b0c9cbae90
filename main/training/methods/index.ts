/** The methods there are. Adding one is a file beside this one and a line here. */
import { crossEntropy } from './ce.ts';
import type { Method } from './method.ts';
import { reslt } from './reslt.ts';

export const METHODS: readonly Method[] = [reslt, crossEntropy];

/** Throws RangeError for a name that is not listed. */
export function findMethod(name: string): Method {
  const method = METHODS.find((each) => each.name === name);
  if (!method)
    throw new RangeError(
      `There is no method "${name}"; there are ${METHODS.map((each) => each.name).join(', ')}.`,
    );
  return method;
}
