// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"causey/lab/real"
)

func TestProgramOfTheCallers(t *testing.T) {
	const app = `const [host, port] = process.env.AT.split(':');
require('http').createServer((q, a) => a.end(require('fs').readFileSync('word.txt'))).listen(port, host);`
	p, err := real.Start(t.Context(), real.Program{Name: "node", Programs: []string{"node", "nodejs"}, Package: "nodejs",
		Files: map[string]string{"app.js": app}, Templates: map[string]string{"word.txt": "{{.Data}}"}, Data: "a word",
		Args: []string{"app.js"}, Env: []string{"AT={{.Addr}}"}})
	must(t, p, err)
	body, err := io.ReadAll(get(t, p, "/").Body)
	if err != nil || string(body) != "a word" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestProgramOnASocketOfTheCallers(t *testing.T) {
	dir := openDir(t)
	if err := real.Give(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "app.sock")
	p, err := real.Start(t.Context(), real.Program{Options: real.Options{Addr: path}, Unix: true, Ready: real.Accepts,
		Name: "node", Programs: []string{"node", "nodejs"}, Package: "nodejs",
		Args: []string{"-e", `require('net').createServer((c) => c.on('error', () => {}).end('hello')).listen('{{.Addr}}')`}})
	must(t, p, err)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if text, err := io.ReadAll(c); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
}
