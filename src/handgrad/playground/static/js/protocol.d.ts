/** What travels between the page and the server. Names are the server's; see docs/playground.md. */

type Rule = string | { f: string; df: string };

interface DataSettings {
  name: string;
  n: number | null;
  noise: number | null;
  arms: number | null;
  classes: number | null;
  test: number;
  standardise: boolean | null;
  columns: string[] | null;
  csv: string | null;
  target: string | null;
  task: string | null;
  seed: number;
  [setting: string]: any;
}

interface NetworkSettings {
  hidden_sizes: number[];
  activation: Rule | Rule[];
  init: string;
  bias_init: string;
  loss: string | null;
  l2: number;
  dropout: number;
  norm: string | null;
  residual: boolean;
  dtype: string;
  [setting: string]: any;
}

interface TrainingSettings {
  optimizer: string;
  learning_rate?: number;
  batch_size: number | null;
  schedule: string | null;
  clip_norm: number | null;
  epochs: number;
  [setting: string]: any;
}

interface ViewSettings {
  hide: string[];
  show_test: boolean;
  log: boolean;
  speed: number;
  lesson: string | null;
  [setting: string]: any;
}

interface PlayDocument {
  handgrad: number;
  data: DataSettings;
  inputs: string[];
  network: NetworkSettings;
  training: TrainingSettings;
  seed: number;
  frozen: string[];
  mistake: string | null;
  start: null | { epoch: number; params: string; state?: string; legs?: any[] };
  view: ViewSettings;
}

interface Parametrised { name: string; title?: string; doc?: string; parameters: Record<string, any> }
interface DatasetEntry { name: string; title: string; parameters: Record<string, any>; columns: string[] | null; task: string | null }
interface LossEntry extends Parametrised { target: string }
interface MistakeEntry { name: string; story: string; cause?: string }

interface Catalogue {
  datasets: DatasetEntry[];
  inputs: { name: string; label: string }[];
  activations: Parametrised[];
  initializers: Parametrised[];
  losses: LossEntry[];
  optimizers: Parametrised[];
  schedules: Parametrised[];
  norms: string[];
  functions: string[];
  mistakes: MistakeEntry[];
}

interface Hello {
  kind: "hello";
  version: string;
  catalogue: Catalogue;
  limits: Record<string, number>;
  lessons: { name: string; title: string }[];
  defaults: PlayDocument;
}

interface LayerState {
  name: string;
  role: "hidden" | "output";
  index: number;
  units: number;
  shown: number;
  activation: Rule;
  weights: string | null;
  biases: string | null;
  from: string;
  residual: boolean;
}

interface ParameterState { name: string; shape: number[]; start: number; frozen: boolean }
interface PointSet { points: [number, number][]; y: number[] }

interface Scene {
  kind: "plane" | "curve" | "images";
  window: [number, number, number, number];
  axes: [string, string];
  columns?: string[];
  classes: string[] | null;
  train: PointSet;
  test: PointSet;
  rows: { train: number; test: number };
  image: [number, number] | null;
  values: [number, number] | null;
  /** centre and scale of a number that is predicted: the network's output is (y - centre) / scale */
  target_scale?: [number, number];
  /** of a table of one's own: columns, and how many rows */
  left_out?: { columns: string[]; rows: number };
  /** mean and scale of the plane's two columns, as the network takes them */
  input_scale?: [number, number][] | null;
}

interface PlayState {
  kind: "state";
  document: PlayDocument;
  layers: LayerState[];
  inputs: { name: string; label: string }[];
  parameters: ParameterState[];
  scene: Scene;
  metric: string;
  loss: string;
  total_parameters: number;
  theory: { variance: number[] } | null;
  unfitting?: string[];
  mistakes?: string[];
}

interface Finding { slug: string; layer: string | null; evidence: string; advice: string; sentence: string }
interface LayerSignal { layer: string; mean: number; variance: number; saturated: number | null; dead: number | null; gradient: number; units: number }
interface Signals { epoch: number; layers: LayerSignal[]; updates: Record<string, number> }

interface FrameHeader {
  frame: number;
  running: boolean;
  busy: null | "prove" | "compare";
  epoch: number;
  batch: number;
  batches: number;
  metrics: Record<string, number | null>;
  diverged: string | null;
  kept: number[];
  legs?: any[] | null;
  curves: { from: number; columns: Record<string, (number | null)[]> };
  signals: Signals | null;
  doctor: { healthy: boolean; findings: Finding[] } | null;
  arrays: { name: string; type: "f4" | "f8"; shape: number[]; offset: number }[];
}

interface FrameArray { shape: number[]; values: Float32Array | Float64Array }
interface Frame { header: FrameHeader; arrays: Record<string, FrameArray> }

interface ProofRow { name: string; verdict: string; relative_error: number | null; figures?: any }
interface Proof {
  kind: "proof";
  finished: boolean;
  verdict: string;
  headline: string;
  rows: ProofRow[];
  findings: { parameter: string; cause: string; evidence: string }[];
  sayings?: string[];
  notes?: string[];
  text: string;
}

interface Band { low: (number | null)[]; middle: (number | null)[]; high: (number | null)[] }
interface Agreement { shape: [number, number]; class?: number[]; share?: number[]; mean?: number[]; sd?: number[] }
interface ComparedSetting { name: string; epochs: number[]; loss: Band; test: Band | null; interval?: any; agreement: Agreement | null }
interface Comparison {
  kind: "comparison";
  done: number;
  total: number;
  finished: boolean;
  settings?: ComparedSetting[];
  metric?: string;
  verdict?: string;
  intervals?: any[];
  code?: string;
  seeds?: number;
  epochs?: number;
}
