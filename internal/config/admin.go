// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// tokenFileLimitBytes bounds the file of the admin token.
const tokenFileLimitBytes = 4 << 10

// checkAdmin checks the admin side as far as it is written.
func checkAdmin(d *decoder, c cursor, a *Admin) {
	at := d.at("%s.listen", c.path)
	switch l := a.Listen; {
	case l.IsZero():
	case l.Network == Unix:
		d.fail(at, "write it as socket: "+l.Path, "listen takes a TCP address")
	case l.Network == Systemd:
		d.fail(at, "write a loopback address", "a socket from systemd is not in this version for the admin side")
	case !l.Loopback():
		hint := "write 127.0.0.1 or [::1] and reach it through ssh -L, or use the socket"
		d.fail(at, hint, "%s can be reached from other machines, and the admin side has no TLS and no login in this version", l)
	}
	if a.TokenFile != "" {
		d.readToken(d.at("%s.token_file", c.path), a)
	}
}

// readToken reads the admin token and checks that it is one.
func (d *decoder) readToken(c cursor, a *Admin) {
	data, p := d.read(a.TokenFile, tokenFileLimitBytes)
	if p != nil {
		d.failFile(c, p)
		return
	}
	token := strings.TrimSpace(string(data))
	visible := !strings.ContainsFunc(token, func(r rune) bool { return r <= 0x20 || r >= 0x7f })
	if len(token) < 16 || len(token) > 512 || !visible {
		// The message says nothing of what is in the file: it is a secret, or
		// something that was never meant to be shown.
		d.fail(c, "make one with: openssl rand -hex 32", "the file %s holds no token of 16 to 512 visible characters", quote(a.TokenFile))
		return
	}
	a.Token = token
	if a.Listen.IsZero() {
		d.warn(c, "add listen, or remove token_file", "a token has no use without admin.listen")
	}
}

// finishAdmin puts the socket where the service manager or the desktop wants
// sockets to be.
func (d *decoder) finishAdmin(c *Config) {
	if c.Admin.Socket != socketDefault {
		return
	}
	c.Admin.Socket = SocketPath(AdminSockets(d.env)[0])
}
