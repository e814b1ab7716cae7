// The values that the modules pass to each other.

type Pair = [number, number];
type Role = "x" | "w" | "y";

interface Shared {
  refusals: Record<string, string>;
  operators: string[];
  paddings: string[];
  limits: {
    line: SizeLimits;
    plane: SizeLimits;
    stride: number;
    dilation: number;
    spread: number;
    padding: Pair;
    channels: number;
    outputs: number;
  };
  layout: Record<string, number>;
  names: Record<string, any>;
  themes: { light: Record<string, string>; dark: Record<string, string> };
  examples: { title: string; address: string }[];
}

interface SizeLimits {
  input: number;
  kernel: number;
  span: number;
}

/** One axis: `low` and `high` padding, `extra` cells of output padding. */
interface Axis {
  input: number;
  kernel: number;
  output: number;
  stride: number;
  dilation: number;
  spread: number;
  low: number;
  high: number;
  extra: number;
}

type AxisSettings = Omit<Axis, "output" | "low" | "high" | "extra"> & { padding: Pair };

interface State {
  op: "conv" | "true_conv" | "conv_transpose" | "local" | "linear" | "max_pool" | "avg_pool";
  dim: 1 | 2;
  input: Pair;
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  spread: Pair;
  padding: string | [Pair, Pair];
  outputPadding: Pair;
  ceil: boolean;
  countPadding: boolean;
  channels: Pair;
  groups: number;
  bias: boolean;
  leave: Role;
  at: number;
  letters: "ours" | "slides";
  /** Values by array and place: "x0.1.2". */
  edits: Record<string, number>;
}

interface Structure {
  axes: [Axis, Axis];
  inputs: number;
  outputs: number;
  groups: number;
  swap: boolean;
  flip: boolean;
  local: boolean;
  pool: "max" | "mean" | null;
}

/** Every meeting of cells: the n-th is of cells x[n], w[n], y[n]. */
interface Model extends Structure {
  kernel: Pair;
  taps: number;
  places: number;
  sizes: Record<Role, Pair>;
  planes: Record<Role, number>;
  count: Record<Role, number>;
  big: Role;
  small: Role;
  x: number[];
  w: number[];
  y: number[];
  /** Of every cell the numbers of its meetings. */
  meets: Record<Role, number[][]>;
}

interface Values {
  x: number[];
  w: number[];
  g: number[];
  b: number[];
  y: number[];
  gx: number[];
  gw: number[];
  gb: number[];
  /** Of a maximum: the meeting that won, of every output; -1: none. */
  best: number[];
}

interface ValuedModel extends Model {
  dim: 1 | 2;
  divisors: number[];
  values: Values;
}

interface Exchanged {
  model: Model;
  values: Record<Role, number[]>;
  at: number;
  back: (cell: number) => number;
  kernels: number;
}

/** A cell that is looked at. */
interface Focus {
  role: Role;
  cell: number;
}

/** What a panel of the stage shows. */
interface Panel {
  color: Role;
  letter: string;
  title: string;
  short: string;
  values: number[];
  gradient: boolean;
  result: boolean;
  editable: boolean;
  /** From what channels are counted. */
  first: number;
}

type Panels = Record<Role, Panel>;

interface GridCell {
  row: number;
  column: number;
  /** Its place in the array; null: padding, or a zero between cells. */
  cell: number | null;
}

interface Grid {
  plane: number;
  rows: number;
  columns: number;
  x: number;
  y: number;
  cells: GridCell[];
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface PanelPlace extends Box {
  grids: Grid[];
}

interface Layout {
  unit: number;
  vertical: boolean;
  width: number;
  height: number;
  panels: Record<Role, PanelPlace>;
}

/** A drawn thing. `key` names it from one scene to the next; `cell` is "role:place". */
type Primitive =
  | ({ kind: "rect"; key: string; classes: string; radius: number; cell?: string } & Box)
  | {
      kind: "text";
      key: string;
      classes: string;
      x: number;
      y: number;
      size: number;
      anchor: "start" | "middle" | "end";
      text: string;
      letter?: string;
    }
  | { kind: "path"; key: string; classes: string; points: number[]; shape: string }
  | { kind: "circle"; key: string; classes: string; x: number; y: number; radius: number };

interface Scene {
  width: number;
  height: number;
  vertical: boolean;
  items: Primitive[];
}

interface SceneOptions {
  focus: Focus;
  /** The meeting that is pointed at. */
  pair?: number | null;
  /** While playing: the last cell of the result that is shown. */
  upto?: number | null;
  /** Results are covered, to be guessed. */
  covered?: boolean;
  /** Without corners' numbers and dots: a picture beside the stage. */
  still?: boolean;
}

/** What changed: everything; the step; what is looked at. */
type Change = "state" | "step" | "look";

/** The states that were left. */
interface Past {
  canUndo(): boolean;
  canRedo(): boolean;
  /** A state is left; of the changes of one act only the first is kept. */
  leave(state: State, act?: object | null): void;
  /** The state before this one, or null. */
  back(now: State): State | null;
  /** The state that was undone last, or null. */
  forth(now: State): State | null;
  /** The state before an act, which is then forgotten; null where it has changed nothing. */
  giveUp(act: object): State | null;
}

type Store = import("./store.js").Store;

/** The element that "span" or "span.left.wide" names. */
type Named<Kind extends string> = Kind extends `${infer Name}.${string}` ? Tag<Name> : Tag<Kind>;
type Tag<Name> = Name extends keyof HTMLElementTagNameMap
  ? HTMLElementTagNameMap[Name]
  : HTMLElement;
