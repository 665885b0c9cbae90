/** Whether this system can run the native engine, whose wheels are built for 64-bit Linux with glibc and AVX. */
import { readFileSync } from 'node:fs';
import { compareVersions } from './wheel.ts';

/** The wheels are tagged manylinux_2_27. */
const MINIMUM_GLIBC = '2.27';

/** A sentence that says why not, or null when it can. */
export function unsupportedReason(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `The native engine runs on Linux x64 and this is ${process.platform} ${process.arch}.`;
  const glibc = glibcVersion();
  if (glibc === null || compareVersions(glibc, MINIMUM_GLIBC) < 0)
    return `The native engine needs glibc ${MINIMUM_GLIBC} or newer and this system has ${glibc ?? 'another C library'}.`;
  if (!/\bavx\b/.test(readFileSync('/proc/cpuinfo', 'utf8')))
    return 'The native engine needs a processor with AVX, which this one lacks.';
  return null;
}

function glibcVersion(): string | null {
  // The report lists network interfaces with their names resolved otherwise, which can take seconds.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ?? null;
}
