/** A `node --test` reporter that prints nothing but the whole run's counts, as JSON, for test.mjs. */
export default async function* countReporter(events) {
  for await (const { type, data } of events)
    if (type === 'test:summary' && data.file === undefined) yield JSON.stringify(data.counts);
}
