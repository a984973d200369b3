// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"strings"
	"time"

	"causey/internal/failure"
)

// clockTolerance is by how much clocks may differ that nobody has to look at.
const clockTolerance = time.Minute

// seeTLS sees what handshakes showed.
func seeTLS(v *view) {
	v.most("over_tls", func(s *sample) (bool, bool) { return strings.HasPrefix(s.try.Server, "https://"), s.try.Server != "" }, "concerned a server asked over TLS")
	handshake := func(of func(*failure.TLS, failure.Kind) (bool, bool)) func(*sample) (bool, bool) {
		return func(s *sample) (bool, bool) {
			e := s.evidence()
			if e == nil || e.TLS == nil {
				return false, false
			}
			return of(e.TLS, s.try.Failure.Kind)
		}
	}
	alert, n, all, ok := majority(v.bad, func(s *sample) (int, bool) {
		e := s.evidence()
		if e == nil || e.TLS == nil || e.TLS.Alert < 0 {
			return 0, false
		}
		return e.TLS.Alert, true
	})
	if ok {
		v.number("tls_alert", float64(alert), "%s", tally(n, all, "came with the alert "+failure.AlertName(alert)))
	}
	v.most("alert_sent", handshake(func(t *failure.TLS, _ failure.Kind) (bool, bool) { return t.AlertSent, t.Alert >= 0 }), "ended with an alert of the gateway")
	is := func(kinds ...failure.Kind) func(*failure.TLS, failure.Kind) (bool, bool) {
		return func(t *failure.TLS, k failure.Kind) (bool, bool) {
			for _, want := range kinds {
				if k == want {
					return true, true
				}
			}
			return false, t.Subject != ""
		}
	}
	v.most("cert_expired", handshake(is(failure.CertExpired)), "met a certificate whose time is over")
	v.most("cert_not_yet", handshake(is(failure.CertNotYetValid)), "met a certificate whose time has not begun")
	v.most("cert_name_wrong", handshake(is(failure.WrongName)), "met a certificate for other names")
	v.most("cert_revoked", handshake(is(failure.Revoked)), "met a certificate that was revoked")
	v.most("cert_issuer_missing", handshake(is(failure.UnknownCA, failure.ChainIncomplete)), "met a certificate whose issuer was neither sent nor known")
	v.most("cert_self_signed", handshake(func(t *failure.TLS, _ failure.Kind) (bool, bool) { return t.Subject == t.Issuer, t.Subject != "" }),
		"met a certificate that was signed by itself")
	v.most("cert_issuer_public", handshake(func(t *failure.TLS, _ failure.Kind) (bool, bool) { return isPublicIssuer(t.Issuer), t.Missing != "" }),
		"met a certificate of a public authority")
	v.most("cert_issuer_signed", handshake(func(t *failure.TLS, _ failure.Kind) (bool, bool) {
		return t.MissingSigned, t.Missing != "" && t.HasSigned
	}), "met a certificate whose missing issuer had signed a good one before")
	v.most("clock_off", handshake(func(t *failure.TLS, _ failure.Kind) (bool, bool) {
		return t.ClockAhead > clockTolerance || t.ClockAhead < -clockTolerance, t.HasClock
	}), "came while the gateway's clock differed from that of other servers")
	v.most("client_cert_asked", handshake(func(t *failure.TLS, _ failure.Kind) (bool, bool) { return t.CertificateAsked, true }),
		"met a server that asked for a certificate")
	v.most("sni_sent", handshake(func(t *failure.TLS, _ failure.Kind) (bool, bool) { return t.ServerName != "", true }), "came in a handshake that named the server")
}

// publicIssuers are words in the names of intermediates that public authorities sign
// with.
var publicIssuers = []string{
	"Let's Encrypt", "DigiCert", "Sectigo", "COMODO", "GlobalSign", "GoDaddy", "Go Daddy", "Starfield", "Amazon", "Google Trust", "ZeroSSL",
	"Entrust", "SSL.com", "Buypass", "Certum", "GEANT", "Thawte", "RapidSSL", "GeoTrust", "Actalis", "Microsoft", "Cloudflare", "QuoVadis",
}

func isPublicIssuer(name string) bool {
	for _, w := range publicIssuers {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}
