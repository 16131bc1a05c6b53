export const STYLES = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #3a3f47); --soft: light-dark(#f5f6f8, #1c2026); --accent: light-dark(#0b62c4, #6cb2ff); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 64rem; font: 15px/1.5 system-ui, sans-serif; background: light-dark(#fff, #14171b); color: light-dark(#1c2126, #dfe3e8); }
a { color: var(--accent); }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
code { background: var(--soft); padding: 0 .25em; border-radius: 3px; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .75rem; border-radius: 6px; overflow-x: auto; }
section { border-top: 1px solid var(--line); padding: .25rem 0 1rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
.operation { margin: 0; }
.operation b { color: var(--accent); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); }
th, td { overflow-wrap: anywhere; }
nav ul { columns: 22rem; padding-left: 0; list-style: none; }
nav li { break-inside: avoid; }
nav code { background: none; padding: 0; }
nav a, td a, summary { display: inline-block; min-height: 24px; }
nav a { padding: .25rem 0; line-height: 1.3; }
nav a code { display: block; }
details { margin: .25rem 0; }
`;
