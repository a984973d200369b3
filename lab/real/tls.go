// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import "context"

// TLS is how a server speaks TLS.
type TLS struct {
	// Certificate, with the chain that is sent, and Key are PEM.
	Certificate, Key []byte
	// ClientCA, if set, has it want client certificates that this authority signed.
	ClientCA []byte
	// Protocols are in the server's own words, as "TLSv1.1"; old ones need security level 0, which is set then. ""
	// leaves them to the server.
	Protocols string
}

// files are what the configurations name.
func (t *TLS) files() map[string][]byte {
	if t == nil {
		return nil
	}
	files := map[string][]byte{"tls.pem": t.Certificate, "tls.key": t.Key}
	if len(t.ClientCA) > 0 {
		files["clients.pem"] = t.ClientCA
	}
	return files
}

// probe asks a server with TLS for a connection only: it may want of its clients what a probe does not have.
func (t *TLS) probe() func(*Process) func(context.Context) error {
	if t == nil {
		return answersHTTP
	}
	return accepts
}
