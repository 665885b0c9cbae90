/** Heads of networks that several tests build. */
import type { ExpertsHead } from '../../main/training/networks/head.ts';

/** RIDE's own: three experts of reduced width with normalised classifiers, without routers. */
export const RIDE_HEAD: ExpertsHead = {
  kind: 'experts',
  experts: 3,
  reduceDimension: true,
  classifier: 'cosine',
  scale: 30,
  tau: null,
  branches: false,
  router: null,
};
