/** The methods there are. Adding one is a file beside this one and a line here. */
import { balancedSoftmax } from './balancedSoftmax.ts';
import { crossEntropy } from './ce.ts';
import { classBalanced } from './classBalanced.ts';
import { classifierRetraining } from './crt.ts';
import { focal } from './focal.ts';
import { ldam } from './ldam.ts';
import { logitAdjustment } from './logitAdjustment.ts';
import type { Method } from './method.ts';
import { reslt } from './reslt.ts';
import { ride } from './ride.ts';
import { rideDistill } from './rideDistill.ts';
import { rideReslt } from './rideReslt.ts';
import { rideRouter } from './rideRouter.ts';
import { tauNorm } from './tauNorm.ts';

export const METHODS: readonly Method[] = [
  reslt,
  crossEntropy,
  focal,
  classBalanced,
  ldam,
  balancedSoftmax,
  logitAdjustment,
  tauNorm,
  classifierRetraining,
  ride,
  rideDistill,
  rideRouter,
  rideReslt,
];

/** Throws RangeError for a name that is not listed. */
export function findMethod(name: string): Method {
  const method = METHODS.find((each) => each.name === name);
  if (!method)
    throw new RangeError(
      `There is no method "${name}"; there are ${METHODS.map((each) => each.name).join(', ')}.`,
    );
  return method;
}
