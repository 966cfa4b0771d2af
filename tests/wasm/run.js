// Runs a program for wasm32-unknown-unknown; its exit code is the program's.
"use strict";
const { readFileSync } = require("node:fs");
WebAssembly.instantiate(readFileSync(process.argv[2]), {}).then(
  ({ instance }) => {
    const differing = instance.exports.main(0, 0);
    console.log(differing === 0 ? "the fingerprints are the committed ones" : `${differing} fingerprints differ`);
    process.exitCode = differing === 0 ? 0 : 1;
  },
  (error) => {
    console.error(`no fingerprints: ${error}`);
    process.exitCode = 2;
  },
);
