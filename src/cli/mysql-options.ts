import { BackupError } from '../errors.ts';

// Command lines as MySQL's programs read them, for the drop-in programs:
// `--name=value` and `--name value`, clustered shorts (`-xvC dir`), any case,
// `-` and `_` equal, unique beginnings of names, `--skip-`, `--disable-`,
// `--enable-`, `--loose-`, sizes with K/M/G/T/P/E, numbers out of range clamped.
// Option files are not read.

interface OptionBase {
  readonly short?: string;
  readonly description: string;
}

export interface FlagOption extends OptionBase {
  readonly kind: 'flag';
}

export interface TextOption extends OptionBase {
  readonly kind: 'text';
  /** What the value is called in the help text. */
  readonly value: string;
}

export interface NumberOption extends OptionBase {
  readonly kind: 'number';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}

export type MysqlOption = FlagOption | TextOption | NumberOption | ChoiceOption;

/** Options by long name, in lower case with dashes. Of two with the same short name the first has it. */
export type OptionTable = Readonly<Record<string, MysqlOption>>;

type ValueOf<O extends MysqlOption> = O extends FlagOption
  ? boolean
  : O extends NumberOption
    ? number
    : O extends ChoiceOption
      ? O['choices'][number]
      : string | undefined;

export interface ParsedOptions<T extends OptionTable> {
  readonly values: { readonly [K in keyof T]: ValueOf<T[K]> };
  /** How often each option was given; one that was not is missing. */
  readonly given: ReadonlyMap<keyof T, number>;
  /** Arguments that are no options, in order. */
  readonly args: readonly string[];
  /** To be shown: abbreviations, clamped numbers, unknown `--loose-` options. */
  readonly warnings: readonly string[];
}

/**
 * Reads the arguments behind the program's name.
 * @throws BackupError usage for an unknown or ambiguous option, a missing, unwanted or bad value.
 */
export function parseMysqlOptions<T extends OptionTable>(
  table: T,
  argv: readonly string[],
): ParsedOptions<T> {
  const parser = new Parser(table);
  const queue = [...argv];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') parser.args.push(...queue.splice(0));
    else if (word.startsWith('--')) parser.long(word.slice(2), queue);
    else if (word.startsWith('-') && word !== '-') parser.shorts(word.slice(1), queue);
    else parser.args.push(word);
  }
  return {
    values: Object.fromEntries(parser.values) as ParsedOptions<T>['values'],
    given: parser.given,
    args: parser.args,
    warnings: parser.warnings,
  };
}

class Parser {
  readonly #table: OptionTable;
  readonly values = new Map<string, string | number | boolean | undefined>();
  readonly given = new Map<string, number>();
  readonly args: string[] = [];
  readonly warnings: string[] = [];

  constructor(table: OptionTable) {
    this.#table = table;
    for (const [name, option] of Object.entries(table)) {
      if (option.kind === 'flag') this.values.set(name, false);
      else this.values.set(name, option.kind === 'text' ? undefined : option.default);
    }
  }

  /** One `--name`, `--name=value` or `--name value`. */
  long(word: string, queue: string[]): void {
    const cut = word.indexOf('=');
    const written = cut < 0 ? word : word.slice(0, cut);
    const attached = cut < 0 ? undefined : word.slice(cut + 1);
    const found = this.#resolve(written);
    if (found === undefined) return;
    const { name, option, negated } = found;
    if (option.kind === 'flag') {
      const on = attached === undefined || truth(name, attached);
      this.#set(name, on !== negated);
      return;
    }
    const value = attached ?? queue.shift();
    if (value === undefined) throw usage(`option --${name} needs a value`);
    this.#set(name, this.#convert(name, option, value));
  }

  /** A word of one-letter options; the first that takes a value takes the rest, or the next word. */
  shorts(word: string, queue: string[]): void {
    let at = 0;
    for (const letter of word) {
      at += letter.length;
      const entry = Object.entries(this.#table).find(([, option]) => option.short === letter);
      if (entry === undefined) throw usage(`unknown option -${letter}`);
      const [name, option] = entry;
      if (option.kind === 'flag') {
        this.#set(name, true);
        continue;
      }
      const value = at < word.length ? word.slice(at) : queue.shift();
      if (value === undefined) throw usage(`option -${letter} needs a value`);
      this.#set(name, this.#convert(name, option, value));
      return;
    }
  }

  #set(name: string, value: string | number | boolean): void {
    this.values.set(name, value);
    this.given.set(name, (this.given.get(name) ?? 0) + 1);
  }

  /** The option that a name means, or undefined for an unknown one that may be passed over. */
  #resolve(written: string): { name: string; option: MysqlOption; negated: boolean } | undefined {
    let name = written.toLowerCase().replaceAll('_', '-');
    const loose = name.startsWith('loose-');
    if (loose) name = name.slice('loose-'.length);
    const plain = this.#find(name, written);
    if (plain !== undefined) return { ...plain, negated: false };
    const [, prefix, rest] = /^(skip|disable|enable)-(.+)$/u.exec(name) ?? [];
    const flag = rest === undefined ? undefined : this.#find(rest, written);
    if (flag?.option.kind === 'flag') return { ...flag, negated: prefix !== 'enable' };
    if (!loose) throw usage(`unknown option --${written}`);
    this.warnings.push(`unknown option --${written} passed over`);
    return undefined;
  }

  #find(name: string, written: string): { name: string; option: MysqlOption } | undefined {
    const exact = Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
    if (exact !== undefined) return { name, option: exact };
    const found = Object.entries(this.#table).filter(([long]) => long.startsWith(name));
    const [first, second] = found;
    if (first === undefined || name === '') return undefined;
    if (second !== undefined) {
      const names = found.map(([long]) => `--${long}`).join(', ');
      throw usage(`option --${written} is ambiguous: ${names}`);
    }
    this.warnings.push(`--${written} is taken for --${first[0]}: write the whole name`);
    return { name: first[0], option: first[1] };
  }

  #convert(name: string, option: Exclude<MysqlOption, FlagOption>, value: string): string | number {
    if (option.kind === 'text') return value;
    if (option.kind === 'number') return this.#number(name, option, value);
    const choice = option.choices.find((one) => one.toLowerCase() === value.toLowerCase());
    if (choice !== undefined) return choice;
    throw usage(
      `option --${name}: ${JSON.stringify(value)} is none of ${option.choices.join(', ')}`,
    );
  }

  #number(name: string, option: NumberOption, value: string): number {
    const [, digits, suffix = ''] = /^(-?\d{1,30})([kmgtpe]?)$/iu.exec(value) ?? [];
    if (digits === undefined) {
      throw usage(`option --${name}: ${JSON.stringify(value)} is no number`);
    }
    const power = BigInt(' kmgtpe'.indexOf(suffix.toLowerCase() || ' '));
    const exact = BigInt(digits) * 1024n ** power;
    const low = exact < BigInt(option.min);
    if (!low && exact <= BigInt(option.max)) return Number(exact);
    const clamped = low ? option.min : option.max;
    this.warnings.push(`option --${name}: ${value} is out of range, ${clamped} is taken`);
    return clamped;
  }
}

/** One line for each option, in the order of the table, for a help text. */
export function describeOptions(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    return [`  ${short}--${name}${valueName(option)}`, describe(option)] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `${left.padEnd(width)}${right}\n`).join('');
}

function valueName(option: MysqlOption): string {
  if (option.kind === 'flag') return '';
  if (option.kind === 'number') return '=N';
  return option.kind === 'text' ? `=${option.value}` : '=NAME';
}

function describe(option: MysqlOption): string {
  if (option.kind === 'number') return `${option.description} (default ${option.default})`;
  if (option.kind === 'choice') {
    return `${option.description}: ${option.choices.join(', ')} (default ${option.default})`;
  }
  return option.description;
}

function truth(name: string, value: string): boolean {
  const text = value.toLowerCase();
  if (['1', 'on', 'true'].includes(text)) return true;
  if (['0', 'off', 'false'].includes(text)) return false;
  throw usage(`option --${name} is a switch and does not take ${JSON.stringify(value)}`);
}

function usage(message: string): BackupError {
  return new BackupError('usage', message);
}
