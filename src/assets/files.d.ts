/** Files imported with `{ type: "file" }`: their path, inside the executable or on disk. */
declare module "*.bvh" {
  const path: string;
  export default path;
}
declare module "*.glb" {
  const path: string;
  export default path;
}
declare module "*.css" {
  const path: string;
  export default path;
}
declare module "*.svg" {
  const path: string;
  export default path;
}
/** The bundled scripts of the pages: never run here, only served. */
declare module "*.js" {
  const path: string;
  export default path;
}
