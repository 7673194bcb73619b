/** The product's name and version. */
import manifest from "../../package.json" with { type: "json" };

export const PRODUCT = "soma";
export const VERSION: string = manifest.version;
