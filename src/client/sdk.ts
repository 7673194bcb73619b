/**
 * The SDK, as served at /sdk.js: a session's live skeleton in a browser, Bun or Node.js 22 and later, in a few lines.
 *
 *     import { bindSkeleton, connect } from "http://127.0.0.1:8080/sdk.js";
 *     const stream = await connect({ session: "demo" });
 *     const rig = bindSkeleton(stream, THREE);
 *     scene.add(rig.root, new THREE.SkeletonHelper(rig.root));
 *     renderer.setAnimationLoop(() => { rig.update(); renderer.render(scene, camera); });
 */
export { type ConnectOptions, connect } from "./connect.ts";
export type { Frame, PoseArray } from "./frame.ts";
export { type ServerOptions, SomaServer, soma } from "./server.ts";
export type { StreamStatus } from "./socket-link.ts";
export { type ClientErrorCode, SomaError, type SomaErrorCode } from "./soma-error.ts";
export { Stream, type StreamStats } from "./stream.ts";
export { type BindOptions, bindSkeleton, type PoseSource, type SkeletonBinding } from "./three.ts";
export type * from "./wire.ts";
