// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"strings"
	"testing"
	"time"

	"causey/internal/cause/maker"
	"causey/internal/record"
)

const nginxPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" +
	"<hr><center>nginx/1.27.4</center>\r\n</body>\r\n</html>\r\n"

// answers puts bad answers with these fields and this body.
func answers(t *testing.T, n int, method, fields, body string) *rig {
	g := newRig(t).servers("10.0.0.3:80")
	head := "HTTP/1.1 502 Bad Gateway"
	if fields != "" {
		head += "\r\n" + fields
	}
	g.many(n, time.Second, func(int) visit {
		return visit{status: 502, method: method, answer: &record.Answer{Head: []byte(head), Body: []byte(body), Length: int64(len(body))}}
	})
	return g
}

func TestWhoMadeTheAnswers(t *testing.T) {
	fields := "Server: nginx/1.27.4\r\nContent-Type: text/html\r\nConnection: close"
	g := answers(t, 20, "GET", fields, nginxPage)
	g.want("nginx's own page", "made_by=nginx", "made_by_kind=proxy", "made_code=502")
	if say := g.facts()["made_by"].Say; !strings.HasPrefix(say, "8 of 8 bad answers were made by nginx: ") {
		t.Error(say)
	}
	answers(t, 4, "GET", "Content-Type: text/html", "<h1>we are sorry</h1>").want("nobody's", "-made_by", "-made_by_kind", "-made_code")
	answers(t, 4, "HEAD", fields, "").want("without a body", "-made_by", "-tells")
	answers(t, 4, "GET", fields+"\r\nContent-Encoding: gzip", nginxPage).want("what cannot be read is not", "-made_by")
}

// A known word of its maker's is told, and what follows from it.
func TestWhatAnswersTell(t *testing.T) {
	for _, p := range maker.Products() {
		for _, c := range p.Codes {
			if c.ID == "1016" && c.Tells != "" {
				body := "error code: 1016"
				g := newRig(t).servers("10.0.0.3:80")
				g.many(4, time.Second, func(int) visit {
					return visit{status: 530, answer: &record.Answer{Head: []byte("HTTP/1.1 530 <none>\r\nServer: cloudflare\r\nCF-RAY: 8f2e0c3d4b5a6978-FRA\r\nContent-Type: text/plain; charset=UTF-8"),
						Body: []byte(body), Length: int64(len(body))}}
				})
				g.want("a CDN's", "made_by="+p.ID, "made_code=1016", "tells="+c.Tells, "made_by_kind=cdn")
				return
			}
		}
	}
	t.Error("no product has the code 1016")
}

// Half of them is not most.
func TestMixedMakers(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.many(8, time.Second, func(i int) visit {
		a := &record.Answer{Head: []byte("HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.27.4\r\nContent-Type: text/html\r\nConnection: close"), Body: []byte(nginxPage), Length: -1}
		if i%2 == 0 {
			a = &record.Answer{Head: []byte("HTTP/1.1 502 Bad Gateway"), Body: []byte("?"), Length: 1}
		}
		return visit{status: 502, answer: a}
	})
	g.want("half", "-made_by", "-made_by_kind")
}
