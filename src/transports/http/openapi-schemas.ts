/**
 * zod schemas as OpenAPI 3.0 schemas. A schema that carries an id (`.meta({ id })`) becomes a component and is referred to;
 * everything else stays where it is used. Values are never touched, only schemas.
 */
import { z } from "zod";

export type Json = Record<string, unknown>;

/** Collects the components of one document while its schemas are converted. */
export class SchemaSet {
  readonly #components = new Map<string, Json>();

  /** Components by name, in alphabetical order. */
  get components(): Json {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The schema of what a client sends (`input`: before defaults and transforms) or is sent (`output`). */
  convert(schema: z.ZodType, io: "input" | "output"): Json {
    // Converted as the items of an array: zod refers to a named schema everywhere except at the root.
    const root = z.toJSONSchema(z.array(schema), {
      target: "openapi-3.0",
      io,
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) => {
        if (io === "output") openUp(zodSchema, jsonSchema);
      },
    }) as { items: Json; definitions?: Record<string, Json> };
    const names = new Map<string, string>();
    const definitions = Object.entries(root.definitions ?? {});
    for (const [id, definition] of definitions)
      names.set(id, this.#nameFor(id, finished(definition)));
    for (const [id, definition] of definitions) {
      const name = names.get(id) ?? id;
      this.#components.set(name, renamed(finished(definition), names) as Json);
    }
    return renamed(finished(root.items), names) as Json;
  }

  /** The same id may mean two things, one sent and one received, or come from two plug-ins: the second gets a number. */
  #nameFor(id: string, definition: Json): string {
    for (let count = 1; ; count++) {
      const name = count === 1 ? id : `${id}${count}`;
      const known = this.#components.get(name);
      if (!known || Bun.deepEquals(withoutReferences(known), withoutReferences(definition)))
        return name;
    }
  }
}

/** One OpenAPI parameter per property of the schema, which is always an object. */
export function parametersOf(
  place: "path" | "query",
  schema: unknown,
  schemas: SchemaSet,
): readonly Json[] {
  if (!isSchema(schema)) return [];
  const object = schemas.convert(schema, "input");
  const required = (object["required"] ?? []) as readonly string[];
  return Object.entries((object["properties"] ?? {}) as Record<string, Json>).map(
    ([name, property]) => {
      const { description, example, ...rest } = property;
      return {
        name,
        in: place,
        required: place === "path" || required.includes(name),
        ...(description === undefined ? {} : { description }),
        ...(example === undefined ? {} : { example }),
        schema: rest,
      };
    },
  );
}

export function isSchema(value: unknown): value is z.ZodType {
  return typeof value === "object" && value !== null && "_zod" in value;
}

/**
 * zod closes every object that it gives out. Clients must not rely on that: a later version may say more. Only strict
 * objects stay closed, and the widest range an integer can have goes unsaid.
 */
function openUp(zodSchema: z.core.$ZodType, json: Json): void {
  const { def } = zodSchema._zod;
  if (def.type === "object" && (def as z.core.$ZodObjectDef).catchall === undefined)
    delete json["additionalProperties"];
  if (json["minimum"] === Number.MIN_SAFE_INTEGER) delete json["minimum"];
  if (json["maximum"] === Number.MAX_SAFE_INTEGER) delete json["maximum"];
}

/** Where schemas are inside a schema: directly, in a list, or by name. */
const ONE = new Set(["items", "additionalProperties", "not"]);
const LIST = new Set(["allOf", "anyOf", "oneOf"]);

/** Applies `change` to a schema and all inside it, innermost first. */
function mapSchema(schema: unknown, change: (schema: Json) => Json): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  const mapped = Object.entries(schema).map(([key, value]): [string, unknown] => {
    if (ONE.has(key)) return [key, mapSchema(value, change)];
    if (LIST.has(key) && Array.isArray(value))
      return [key, value.map((item) => mapSchema(item, change))];
    if (key !== "properties") return [key, value];
    const properties = Object.entries(value as Json);
    return [
      key,
      Object.fromEntries(properties.map(([name, inner]) => [name, mapSchema(inner, change)])),
    ];
  });
  return change(Object.fromEntries(mapped));
}

function renamed(schema: Json, names: ReadonlyMap<string, string>): unknown {
  return mapSchema(schema, (inner) => {
    const { $ref } = inner;
    if (typeof $ref !== "string") return inner;
    const id = $ref.slice("#/definitions/".length);
    return { ...inner, $ref: `#/components/schemas/${names.get(id) ?? id}` };
  });
}

function withoutReferences(schema: Json): unknown {
  return mapSchema(schema, ({ $ref, ...rest }) =>
    $ref === undefined ? rest : { ...rest, $ref: "" },
  );
}

/** Unions in the form that readers and generators know best: `oneOf` where the alternatives exclude each other, with titles. */
function finished(schema: Json): Json {
  return mapSchema(schema, (inner) => {
    const { allOf } = inner;
    // zod wraps a reference that might get a sibling; most get none.
    const isWrapped = Array.isArray(allOf) && allOf.length === 1 && Object.keys(inner).length === 1;
    if (isWrapped) return allOf[0] as Json;
    const { anyOf, ...rest } = inner;
    if (!Array.isArray(anyOf)) return inner;
    const alternatives = (anyOf as Json[]).map(titled);
    return { ...rest, [excludeEachOther(alternatives) ? "oneOf" : "anyOf"]: alternatives };
  }) as Json;
}

function titled(schema: Json): Json {
  const { title, type } = schema;
  if (title !== undefined || typeof type !== "string") return schema;
  if (type !== "object") return { title: type, ...schema };
  const keys = requiredOf(schema);
  const parts = keys.map((key) => {
    const [only, ...others] = allowed(schema, key);
    return typeof only !== "string" || others.length > 0 ? key : `${key} ${only}`;
  });
  return { title: parts.join(", ") || "object", ...schema };
}

function excludeEachOther(alternatives: readonly Json[]): boolean {
  return alternatives.every((a, index) =>
    alternatives.slice(index + 1).every((b) => exclude(a, b)),
  );
}

/** Whether no value can match both, as far as types and single properties tell. */
function exclude(a: Json, b: Json): boolean {
  const types = [a["type"], b["type"]].map((type) => (type === "integer" ? "number" : type));
  if (types.includes(undefined)) return false;
  if (types[0] !== types[1]) return true;
  if (types[0] !== "object") return false;
  return [...requiredOf(a), ...requiredOf(b)].some((key) => {
    if (requiredOf(a).includes(key) && isNever(propertyOf(b, key))) return true;
    if (requiredOf(b).includes(key) && isNever(propertyOf(a, key))) return true;
    const [inA, inB] = [allowed(a, key), allowed(b, key)];
    return inA.length > 0 && inB.length > 0 && !inA.some((value) => inB.includes(value));
  });
}

function requiredOf(schema: Json): readonly string[] {
  return Array.isArray(schema["required"]) ? (schema["required"] as string[]) : [];
}

function propertyOf(schema: Json, key: string): Json | undefined {
  return (schema["properties"] as Record<string, Json> | undefined)?.[key];
}

/** The few values a property may have; empty where it is not an enumeration, or may be absent. */
function allowed(schema: Json, key: string): readonly unknown[] {
  const values = propertyOf(schema, key)?.["enum"];
  return requiredOf(schema).includes(key) && Array.isArray(values) ? values : [];
}

function isNever(schema: Json | undefined): boolean {
  const not = schema?.["not"];
  return typeof not === "object" && not !== null && Object.keys(not).length === 0;
}
