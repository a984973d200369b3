const [host, port] = process.argv.slice(2);
require('http').createServer((req, res) => res.end('hello\n')).listen(port, host);
