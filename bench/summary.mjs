/**
 * From single runs to figures. Ratios are paired: a run is divided by the run of the reference leg in the same round, so
 * that what the machine did meanwhile cancels out; then the median of the rounds is taken.
 */

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const spread = (values) => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/**
 * @param rounds one object a round: leg name -> result of `measure`
 * @returns leg name -> spreads of tps, latency and cpu (µs a transaction), and of the ratios to each reference leg
 */
export function summarize(rounds, references) {
  const legs = Object.keys(rounds[0]);
  return Object.fromEntries(
    legs.map((leg) => {
      const of = (value) => spread(rounds.map((round) => value(round[leg])));
      const summary = {
        tps: of((run) => run.tps),
        latency: of((run) => run.latency),
        cpu: of((run) => run.user + run.system),
        system: of((run) => run.system),
        ratios: {},
      };
      for (const reference of references.filter((name) => legs.includes(name) && name !== leg)) {
        const ratio = (value) => spread(rounds.map((round) => value(round[leg]) / value(round[reference])));
        summary.ratios[reference] = { tps: ratio((run) => run.tps) };
        if (rounds[0][leg].p99 !== undefined) summary.ratios[reference].p99 = ratio((run) => run.p99);
        const comparable = [leg, reference].every((name) =>
          rounds.every((round) => round[name].user + round[name].system > 0),
        );
        if (comparable) summary.ratios[reference].cpu = ratio((run) => run.user + run.system);
      }
      return [leg, summary];
    }),
  );
}
