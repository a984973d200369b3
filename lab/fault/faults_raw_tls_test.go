// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"causey/lab/client"
)

func init() {
	prove(map[string]proof{
		"tls.cert_expired":               handshake(expired),
		"tls.cert_expired:meanwhile":     handshake(expired),
		"tls.cert_expired:one":           every(overTLS("HTTP/1.1 200 OK", ""), handshakeWith(1, expired)),
		"tls.clock_skew":                 every(handshake(notYetValid), handshakeWith(1, notYetValid)),
		"tls.unknown_ca:self-signed":     handshake(unknown),
		"tls.unknown_ca:private":         handshake(unknown),
		"tls.unknown_ca:nginx":           handshake(unknown),
		"tls.chain_incomplete":           handshake(unknown),
		"tls.name_mismatch:renewed":      handshake(misnamed),
		"tls.name_mismatch:address":      handshake(misnamed),
		"tls.sni":                        handshake(alert(112)),
		"tls.version:raw":                handshake(alert(70)),
		"tls.version:nginx":              handshake(alert(70)),
		"tls.cipher":                     handshake(alert(40)),
		"tls.client_cert_required:tls12": handshake(alert(40)),
		"tls.client_cert_required:tls13": handshake(alert(116)),
		"tls.client_cert_required:nginx": overTLS("HTTP/1.1 400 ", "No required SSL certificate was sent"),
		"tls.alpn":                       handshake(alert(120)),
		"tls.stall":                      handshake(func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }),
		"tls.revoked_or_ocsp:staple":     stapled,
		"tls.revoked_or_ocsp:crl":        listed,
		"tls.to_plaintext_port":          handshake(plaintext),
		"tls.plain_to_tls_port:nginx":    answered(getting("/"), client.Satisfied, "HTTP/1.1 400 ", "The plain HTTP request was sent to HTTPS port"),
		"tls.plain_to_tls_port:alert":    answered(getting("/"), client.PeerFIN, "\x15\x03", ""),
	})
}

// gatewayTLS is how the stage's gateway speaks TLS with its servers.
func (s *Stage) gatewayTLS(server string) *tls.Config {
	c := &tls.Config{RootCAs: x509.NewCertPool(), NextProtos: []string{"http/1.1"}, ServerName: server}
	if pem, err := os.ReadFile(filepath.Join(s.Dir, "root.pem")); err == nil {
		c.RootCAs.AppendCertsFromPEM(pem)
	}
	if strings.Contains(s.Config, "server_name: "+shopInternal) {
		c.ServerName = shopInternal
	} else {
		c.ServerName, _, _ = strings.Cut(server, ":")
	}
	return c
}

// shake shakes hands with the n-th server and has a first answer, for a server of TLS 1.3 refuses clients only then.
func shake(ctx context.Context, s *Stage, n int) (*client.Conn, error) {
	server := s.servers()[n]
	c, err := client.Dial(ctx, client.Target{Addr: server, Deadline: 1500 * time.Millisecond, TLS: s.gatewayTLS(server)})
	if err != nil {
		return nil, err
	}
	if _, err = c.Ask([]byte(getting("/"))); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// handshake is the symptom of a handshake with the first server that fails in the given way.
func handshake(fails func(error) bool) proof { return handshakeWith(0, fails) }

func handshakeWith(n int, fails func(error) bool) proof {
	return func(ctx context.Context, s *Stage) error {
		c, err := shake(ctx, s, n)
		switch {
		case err == nil:
			c.Close()
			return instead("a good handshake")
		case !fails(err):
			return instead("%v", err)
		}
		return nil
	}
}

func unknown(err error) bool {
	var e x509.UnknownAuthorityError
	return errors.As(err, &e)
}

func misnamed(err error) bool {
	var e x509.HostnameError
	return errors.As(err, &e)
}

func expired(err error) bool {
	var e x509.CertificateInvalidError
	return errors.As(err, &e) && e.Reason == x509.Expired && e.Cert.NotAfter.Before(time.Now())
}

func notYetValid(err error) bool {
	var e x509.CertificateInvalidError
	return errors.As(err, &e) && e.Reason == x509.Expired && e.Cert.NotBefore.After(time.Now())
}

// alert is an alert that the server sent. Its type is hidden in crypto/tls, its number is the whole of it.
func alert(number uint64) func(error) bool {
	return func(err error) bool {
		var e *net.OpError
		if !errors.As(err, &e) {
			return false
		}
		v := reflect.ValueOf(e.Err)
		return v.Kind() == reflect.Uint8 && v.Uint() == number
	}
}

func plaintext(err error) bool {
	var e tls.RecordHeaderError
	return errors.As(err, &e) && string(e.RecordHeader[:]) == "HTTP/"
}

// overTLS is an answer that comes after a good handshake.
func overTLS(begins, has string) proof {
	return func(ctx context.Context, s *Stage) error {
		server := s.servers()[0]
		r := client.RawUntil(ctx, client.Target{Addr: server, Deadline: 2 * time.Second, TLS: s.gatewayTLS(server)}, []byte(getting("/")),
			client.Responses("GET"))
		return looks(r, r.End, begins, has)
	}
}

// stapled is a handshake in which the server shows an answer that says "revoked": the tag [1] of RFC 6960.
func stapled(ctx context.Context, s *Stage) error {
	server := s.servers()[0]
	nc, err := (&tls.Dialer{Config: s.gatewayTLS(server)}).DialContext(ctx, "tcp", server)
	if err != nil {
		return err
	}
	defer nc.Close()
	if staple := nc.(*tls.Conn).ConnectionState().OCSPResponse; !strings.Contains(string(staple), "\xa1\x16") {
		return instead("a staple of %d bytes", len(staple))
	}
	return nil
}

// listed is a server whose certificate is on the gateway's list.
func listed(ctx context.Context, s *Stage) error {
	server := s.servers()[0]
	nc, err := (&tls.Dialer{Config: s.gatewayTLS(server)}).DialContext(ctx, "tcp", server)
	if err != nil {
		return err
	}
	defer nc.Close()
	list, err := os.ReadFile(filepath.Join(s.Dir, "revoked.pem"))
	if err != nil {
		return err
	}
	shown := nc.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber
	block, _ := pem.Decode(list)
	revoked, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return err
	}
	for _, e := range revoked.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(shown) == 0 {
			return nil
		}
	}
	return instead("%v, which is not listed", shown)
}
