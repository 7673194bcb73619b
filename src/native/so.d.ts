/** A library imported with `{ type: "file" }`: its path, inside the executable or on disk. */
declare module "*.so" {
  const path: string;
  export default path;
}
