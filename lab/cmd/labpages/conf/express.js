const express = require('express');
const [host, port] = process.argv.slice(2);
const app = express();
app.get('/fail', () => { throw new Error('made to fail'); });
app.get('/unavailable', (req, res, next) => { const e = new Error('made to fail'); e.status = 503; next(e); });
app.listen(port, host);
