/**
 * Checks values against OpenAPI 3.0 schemas, by the specification's own words (JSON Schema Wright 00 with `nullable` and boolean
 * `exclusiveMinimum`). Written apart from zod, which makes the schemas under test. A keyword that it does not know is an error, so that
 * nothing goes unchecked.
 */
export type Json = Record<string, unknown>;

export interface Components {
  readonly schemas: Readonly<Record<string, Json>>;
}

export interface CheckOptions {
  /** Count a property that the schema does not mention as a mistake, although the schema allows it. */
  readonly closed?: boolean;
}

const ANNOTATIONS = new Set(["title", "description", "default", "example", "examples", "format"]);

/** What is wrong with `value`, one line per finding; empty when it matches. */
export function mismatches(
  schema: Json,
  value: unknown,
  components: Components,
  options: CheckOptions = {},
): readonly string[] {
  const findings: string[] = [];
  new Check(components, options, findings).at(schema, value, "$");
  return findings;
}

/** Follows a reference to its component. */
export function resolved(schema: Json, components: Components): Json {
  const reference = schema["$ref"];
  if (reference === undefined) return schema;
  const prefix = "#/components/schemas/";
  const name =
    typeof reference === "string" && reference.startsWith(prefix)
      ? reference.slice(prefix.length)
      : "";
  const target = components.schemas[name];
  if (!target) throw new Error(`${JSON.stringify(reference)} refers to nothing`);
  return target;
}

class Check {
  readonly #components: Components;
  readonly #options: CheckOptions;
  readonly #findings: string[];

  constructor(components: Components, options: CheckOptions, findings: string[]) {
    this.#components = components;
    this.#options = options;
    this.#findings = findings;
  }

  /** `mentioned` are properties that schemas beside this one speak of. */
  at(referring: Json, value: unknown, path: string, mentioned: readonly string[] = []): void {
    const schema = resolved(referring, this.#components);
    if (schema["nullable"] === true && value === null) return;
    const known = [...mentioned, ...this.#propertiesOf(schema)];
    for (const [keyword, argument] of Object.entries(schema)) {
      if (ANNOTATIONS.has(keyword)) continue;
      if (keyword === "allOf") {
        for (const part of argument as Json[]) this.at(part, value, path, known);
      } else {
        this.#keyword(keyword, argument, schema, value, path);
      }
    }
    if (!this.#options.closed || !isObject(value) || !isObject(schema["properties"])) return;
    if (schema["additionalProperties"] !== undefined) return;
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) this.#say(path, `has "${key}", unmentioned`);
    }
  }

  #propertiesOf(referring: Json): readonly string[] {
    const schema = resolved(referring, this.#components);
    const parts = (schema["allOf"] ?? []) as Json[];
    const own = isObject(schema["properties"]) ? Object.keys(schema["properties"]) : [];
    return [...own, ...parts.flatMap((part) => this.#propertiesOf(part))];
  }

  #keyword(keyword: string, argument: unknown, schema: Json, value: unknown, path: string): void {
    switch (keyword) {
      case "type":
        if (!hasType(value, String(argument))) this.#say(path, `is not a ${String(argument)}`);
        return;
      case "enum":
        if (!(argument as unknown[]).some((one) => Bun.deepEquals(one, value))) {
          this.#say(path, `is not one of ${JSON.stringify(argument)}`);
        }
        return;
      case "anyOf":
        if (this.#matching(argument as Json[], value) < 1)
          this.#say(path, "matches no alternative");
        return;
      case "oneOf": {
        const count = this.#matching(argument as Json[], value);
        if (count !== 1) this.#say(path, `matches ${count} alternatives, not one`);
        return;
      }
      case "not":
        if (this.#matches(argument as Json, value)) this.#say(path, "matches what it must not");
        return;
      case "nullable":
        return;
      default:
        if (typeof value === "string") this.#text(keyword, argument, value, path);
        else if (typeof value === "number") this.#number(keyword, argument, schema, value, path);
        else if (Array.isArray(value)) this.#array(keyword, argument, value, path);
        else if (isObject(value)) this.#object(keyword, argument, schema, value, path);
        else requireKnown(keyword);
    }
  }

  #text(keyword: string, argument: unknown, value: string, path: string): void {
    const { length } = Array.from(value);
    if (keyword === "minLength" && length < Number(argument))
      this.#say(path, `has ${length} characters`);
    if (keyword === "maxLength" && length > Number(argument))
      this.#say(path, `has ${length} characters`);
    if (keyword === "pattern" && !new RegExp(String(argument), "u").test(value)) {
      this.#say(path, `does not match ${String(argument)}`);
    }
    requireKnown(keyword);
  }

  #number(keyword: string, argument: unknown, schema: Json, value: number, path: string): void {
    const limit = Number(argument);
    if (keyword === "minimum") {
      const exclusive = schema["exclusiveMinimum"] === true;
      if (exclusive ? value <= limit : value < limit)
        this.#say(path, `is ${value}, below ${limit}`);
    }
    if (keyword === "maximum") {
      const exclusive = schema["exclusiveMaximum"] === true;
      if (exclusive ? value >= limit : value > limit)
        this.#say(path, `is ${value}, above ${limit}`);
    }
    requireKnown(keyword);
  }

  #array(keyword: string, argument: unknown, value: readonly unknown[], path: string): void {
    if (keyword === "items") {
      for (const [index, item] of value.entries())
        this.at(argument as Json, item, `${path}[${index}]`);
    }
    if (keyword === "minItems" && value.length < Number(argument))
      this.#say(path, `has ${value.length} items`);
    if (keyword === "maxItems" && value.length > Number(argument))
      this.#say(path, `has ${value.length} items`);
    requireKnown(keyword);
  }

  #object(keyword: string, argument: unknown, schema: Json, value: Json, path: string): void {
    if (keyword === "required") {
      for (const key of argument as string[])
        if (!Object.hasOwn(value, key)) this.#say(path, `lacks "${key}"`);
    }
    if (keyword === "properties") {
      for (const [key, inner] of Object.entries(argument as Record<string, Json>)) {
        if (Object.hasOwn(value, key)) this.at(inner, value[key], `${path}.${key}`);
      }
    }
    if (keyword === "additionalProperties") {
      const known = isObject(schema["properties"]) ? schema["properties"] : {};
      for (const key of Object.keys(value)) {
        if (Object.hasOwn(known, key)) continue;
        if (argument === false) this.#say(path, `has "${key}", which is not allowed`);
        else if (isObject(argument)) this.at(argument, value[key], `${path}.${key}`);
      }
    }
    requireKnown(keyword);
  }

  #matching(alternatives: readonly Json[], value: unknown): number {
    return alternatives.filter((alternative) => this.#matches(alternative, value)).length;
  }

  #matches(schema: Json, value: unknown): boolean {
    return mismatches(schema, value, this.#components, this.#options).length === 0;
  }

  #say(path: string, problem: string): void {
    this.#findings.push(`${path} ${problem}`);
  }
}

const KNOWN = new Set([
  ...["minLength", "maxLength", "pattern"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  ...["items", "minItems", "maxItems"],
  ...["required", "properties", "additionalProperties"],
]);

function requireKnown(keyword: string): void {
  if (!KNOWN.has(keyword)) throw new Error(`the schema checker does not know "${keyword}"`);
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case "object":
      return isObject(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      throw new Error(`there is no type "${type}" in OpenAPI 3.0`);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
