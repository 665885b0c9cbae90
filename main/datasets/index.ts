/**
 * What the rest of the program uses of the datasets. Pictures (images.ts) are not among it: they need sharp, which the
 * background process loads and the desktop's main process must not.
 */
export { DatasetError } from './errors.ts';
export { readManifest, type DatasetManifest } from './manifest.ts';
export {
  DownloadError,
  downloadOfficial,
  findLocalDatasets,
  OFFICIAL_DATASETS,
  type OfficialDataset,
} from './official.ts';
export { probeDataset, type DatasetProbe } from './probe.ts';
export { RegistrationError, sweepPartialDatasets, type RegisteredDataset } from './newDataset.ts';
export { registerDataset, type RegisterDataset } from './register.ts';
export type { DatasetKind } from './source.ts';
export {
  previewSubset,
  requireFactor,
  SubsetError,
  type SubsetOptions,
  type SubsetPreview,
  type ValidationOptions,
} from './subset.ts';
export { openTrainingData, type TrainingDataOptions } from './trainingData.ts';
export { verifyDataset, type Verification } from './verify.ts';
