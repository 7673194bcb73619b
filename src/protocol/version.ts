/** The product's version: that of package.json. */
import manifest from "../../package.json" with { type: "json" };

export const VERSION: string = manifest.version;
