/**
 * What a run of the bench leaves behind, in `results.json`: everything that the report and the plots are made of.
 */
import * as v from 'valibot';

const sampleSchema = v.object({
  /** Of the clock, from the start of the transfer to the end of everything that takes part in it. */
  seconds: v.number(),
  /** Processor time of all processes on both sides, the start of the receiver included. */
  processorSeconds: v.number(),
  /** The most resident memory that any one process had. */
  peakBytes: v.number(),
  /** What passed the path in both directions, with all headers. */
  pathBytes: v.number(),
});
/** One transfer. */
export type Sample = v.InferOutput<typeof sampleSchema>;

const toolResultSchema = v.object({
  /** Its short name. */
  tool: v.string(),
  /** One a round, in order. */
  samples: v.array(sampleSchema),
  /** Why it was not run, or not any more. */
  ended: v.optional(v.string()),
});
export type ToolResult = v.InferOutput<typeof toolResultSchema>;

const raceSchema = v.object({
  /** The short name of a path. */
  path: v.string(),
  /** The short name of a data set. */
  data: v.string(),
  /** Of the files that are sent. */
  bytes: v.number(),
  files: v.number(),
  /** ISO 8601, UTC. */
  measuredAt: v.string(),
  /** Of the program under test. */
  commit: v.string(),
  /** Of the last minute, before the first round: processes that wanted to run. */
  load: v.number(),
  tools: v.array(toolResultSchema),
});
/** Several tools with the same data over the same path, in turn. */
export type Race = v.InferOutput<typeof raceSchema>;

export const AXES = ['size', 'files', 'rtt', 'lanes'] as const;
const growthPointSchema = v.object({
  /** What grows: bytes of one file, number of files, round trip in milliseconds, connections of a transfer. */
  axis: v.picklist(AXES),
  x: v.number(),
  race: raceSchema,
});
export type GrowthPoint = v.InferOutput<typeof growthPointSchema>;
export type Axis = GrowthPoint['axis'];

const memoryCaseSchema = v.object({
  name: v.string(),
  title: v.string(),
  bytes: v.number(),
  files: v.number(),
  seconds: v.number(),
  /** The most resident memory of either engine. */
  senderPeakBytes: v.number(),
  receiverPeakBytes: v.number(),
  /** The file system that held what was sent and received. */
  disk: v.string(),
  measuredAt: v.string(),
  commit: v.string(),
  /** Why there are no figures. */
  failed: v.optional(v.string()),
});
/** What two engines needed for something big. */
export type MemoryCase = v.InferOutput<typeof memoryCaseSchema>;

const machineSchema = v.object({
  processors: v.string(),
  memoryBytes: v.number(),
  system: v.string(),
  /** The file system that holds the data, and TCP's settings: name and value. */
  settings: v.array(v.tuple([v.string(), v.string()])),
  /** Of Node and each tool. */
  versions: v.array(v.tuple([v.string(), v.string()])),
});
/** All that figures depend on besides the program under test. */
export type Machine = v.InferOutput<typeof machineSchema>;

export const resultsSchema = v.object({
  machine: machineSchema,
  /** The words behind `npm run bench --` of each run that left something here. */
  calls: v.array(v.string()),
  /** What each tool is called with, placeholders in capitals. */
  commands: v.array(v.object({ tool: v.string(), side: v.string(), words: v.string() })),
  comparison: v.array(raceSchema),
  growth: v.array(growthPointSchema),
  memory: v.array(memoryCaseSchema),
  /** What was left out, and why. */
  leftOut: v.array(v.object({ what: v.string(), why: v.string() })),
});
export type Results = v.InferOutput<typeof resultsSchema>;

/** What is to be divided by what when two tools are compared. */
export function secondsOf(race: Race, tool: string): readonly number[] {
  return race.tools.find((result) => result.tool === tool)?.samples.map(({ seconds }) => seconds) ?? [];
}
