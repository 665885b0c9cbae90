/** The installed native runtime: installing, finding, choosing and checking TensorFlow. Others import from here only. */
export { EngineError, type EngineErrorCode } from './errors.ts';
export { engineEnvironment, type EngineUse } from './environment.ts';
export {
  findEngine,
  listEngines,
  removeEngine,
  type InstalledEngine,
  type NativeDevice,
  type NativeEngineName,
} from './installed.ts';
export {
  installEngine,
  type InstallOptions,
  type InstallProgress,
  type OnInstallProgress,
} from './install.ts';
export { createProgressText, describeProgress, type ProgressStream } from './progressText.ts';
export { selectEngine, type EngineName, type SelectedEngine } from './select.ts';
export { readDevice, type DeviceReading } from './deviceMeter.ts';
export { readFreeMemory, type FreeMemory } from './freeMemory.ts';
export { formatDoctorReport, runDoctor, type DoctorItem, type DoctorReport } from './doctor.ts';
