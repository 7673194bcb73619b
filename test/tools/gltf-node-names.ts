/** Names of all nodes of a glTF or GLB file, in file order, as the loader calls them; read straight from the JSON. */
import { readFileSync } from "node:fs";

export function gltfNodeNames(path: string): string[] {
  const bytes = readFileSync(path);
  const isGlb = bytes.subarray(0, 4).toString("latin1") === "glTF";
  const text = isGlb ? bytes.subarray(20, 20 + bytes.readUInt32LE(12)) : bytes;
  const json = JSON.parse(text.toString("utf8")) as { nodes: { name?: string }[] };
  return json.nodes.map((node, index) => node.name ?? `node_${index}`);
}
