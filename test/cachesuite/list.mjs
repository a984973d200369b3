// Prints what the suite has: for each test its id, kind, dependencies, and whether it is for browsers only.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const load = async name => (await import(pathToFileURL(path.resolve(process.argv[2], 'tests', name)))).default
const suites = [...await load('index.mjs'), await load('surrogate-control.mjs')]
console.log(JSON.stringify(suites.flatMap(s => s.tests.map(t => ({
  id: t.id, suite: s.name, name: t.name, kind: t.kind ?? 'required', needs: t.depends_on ?? [], browser: t.browser_only === true
})))))
