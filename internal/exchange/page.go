// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/wire"
)

// Pages makes the bodies of the gateway's own answers. It says in plain words
// whose side the trouble is on and gives the reference id; it never shows codes,
// addresses or names of servers. The zero value is ready to use.
type Pages struct {
	// Custom holds an owner's HTML pages by status; ByClass by its first digit
	// (4, 5). In them {{status}}, {{title}} and {{reference}} are replaced.
	Custom  map[int][]byte
	ByClass map[int][]byte
}

// Page is one body to answer with.
type Page struct {
	ContentType string
	// Policy is the Content-Security-Policy, "" for none.
	Policy string
	Body   []byte
}

//go:embed page.html
var ownPage string

// ownPolicy allows the page its own style and nothing else.
var ownPolicy = func() string {
	_, rest, _ := strings.Cut(ownPage, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// words is what a visitor is told.
type words struct{ title, text, you, gateway, site string }

const (
	fine  = "working"
	fault = "trouble here"
)

// visitorWords chooses by status and party, never by more: what lies behind is
// for the owner, who finds it by the reference id.
func visitorWords(e *failure.Entry) words {
	w := words{you: fine, gateway: fine, site: fine}
	switch {
	case e.Code.Party == failure.Upstream && e.Status == 504:
		w.site, w.title = fault, "The site took too long to answer"
		w.text = "Your request reached us, but the server behind this site did not answer in time. Please try again in a moment."
	case e.Code.Party == failure.Upstream:
		w.site, w.title = fault, "The site is not answering properly"
		w.text = "Your request reached us, but the server behind this site did not give a usable answer. Please try again in a moment."
	case e.Code.Kind == failure.Shutdown:
		w.gateway, w.title = "restarting", "The gateway is being restarted"
		w.text = "The gateway in front of this site was stopped before it could finish this request. Please try again in a moment."
	case e.Code.Party == failure.Gateway && e.Status == 503:
		w.gateway, w.title = "busy", "Too much to do right now"
		w.text = "The gateway in front of this site cannot take this request at the moment. Please try again in a moment."
	case e.Code.Party == failure.Gateway:
		w.gateway, w.title = fault, "The gateway could not pass this request on"
		w.text = "The gateway in front of this site has a problem of its own. The owner of the site can find out more with the reference below."
	case e.Code.Kind == failure.PlainHTTP:
		w.you, w.title = "without TLS", "This port speaks HTTPS"
		w.text = "The request came without encryption. Please write https:// in front of the address."
	case e.Code.Kind == failure.Misdirected:
		w.title = "This site needs a connection of its own"
		w.text = "The connection was opened for another site, which asks for other certificates. Please try again in a new window."
	case e.Status == 404 || e.Status == 421:
		w.title = "There is nothing at this address"
		w.text = "No site is set up here under this name and path. Please check the address."
	case e.Status == 405:
		w.title = "This is not possible here"
		w.text = "The address exists, but it does not take this kind of request."
	case e.Status == 413:
		w.you, w.title = "too large", "This upload is too large"
		w.text = "What was sent is larger than this site accepts."
	case e.Status == 408:
		w.you, w.title = "too slow", "The request took too long to arrive"
		w.text = "The connection was too slow or was interrupted before the whole request was here. Please try again."
	case e.Status == 431 || e.Status == 414:
		w.you, w.title = "too large", "The request is too large"
		w.text = "The address or the cookies that your browser sent are larger than allowed. Clearing the cookies of this site often helps."
	default:
		w.you, w.title = "not understood", "The request could not be understood"
		w.text = "What was sent is not a valid request, so it was not passed on."
	}
	return w
}

// Render makes the answer for e in the form that accept prefers: HTML for
// browsers, RFC 9457 JSON where JSON is asked for, else plain text.
func (p *Pages) Render(e *failure.Entry, id record.ID, accept []byte) Page {
	w, status := visitorWords(e), strconv.Itoa(e.Status)
	ref := id.String()
	switch preferred(accept) {
	case formHTML:
		custom := p.Custom[e.Status]
		if custom == nil {
			custom = p.ByClass[e.Status/100]
		}
		if custom != nil {
			body := strings.NewReplacer("{{status}}", status, "{{title}}", w.title, "{{reference}}", ref).Replace(string(custom))
			return Page{"text/html; charset=utf-8", "", []byte(body)}
		}
		body := strings.NewReplacer("{{status}}", status, "{{title}}", w.title, "{{text}}", w.text, "{{reference}}", ref,
			"{{you}}", w.you, "{{you-class}}", mark(w.you), "{{gateway}}", w.gateway, "{{gateway-class}}", mark(w.gateway),
			"{{site}}", w.site, "{{site-class}}", mark(w.site)).Replace(ownPage)
		return Page{"text/html; charset=utf-8", ownPolicy, []byte(body)}
	case formJSON:
		body, _ := json.Marshal(struct {
			Type   string `json:"type"`
			Title  string `json:"title"`
			Status int    `json:"status"`
			Detail string `json:"detail"`
			Ref    string `json:"reference"`
		}{"about:blank", w.title, e.Status, w.text, ref})
		return Page{"application/problem+json", "", append(body, '\n')}
	}
	return Page{"text/plain; charset=utf-8", "", []byte(status + " " + w.title + "\n" + w.text + "\nReference: " + ref + "\n")}
}

func mark(state string) string {
	if state == fine {
		return "ok"
	}
	return "bad"
}

type form uint8

const (
	formText form = iota
	formHTML
	formJSON
)

// preferred reads an Accept field (RFC 9110 section 12.5.1) as far as the choice
// between three forms needs it: the highest weight wins, the first among equals.
func preferred(accept []byte) form {
	best, bestQ := formText, 0
	for n := 0; len(accept) > 0 && n < 32; n++ {
		var part []byte
		part, accept, _ = bytes.Cut(accept, []byte{','})
		media, params, _ := bytes.Cut(part, []byte{';'})
		media = bytes.Trim(media, " \t")
		f := formText
		switch {
		case wire.EqualFold(media, "text/html") || wire.EqualFold(media, "application/xhtml+xml"):
			f = formHTML
		case wire.EqualFold(media, "application/json") || wire.EqualFold(media, "application/problem+json"):
			f = formJSON
		case !wire.EqualFold(media, "text/plain"):
			continue
		}
		if q := weight(params); q > bestQ {
			best, bestQ = f, q
		}
	}
	return best
}

// weight returns the q parameter in thousandths, 1000 if there is none.
func weight(params []byte) int {
	for len(params) > 0 {
		var p []byte
		p, params, _ = bytes.Cut(params, []byte{';'})
		p = bytes.Trim(p, " \t")
		if len(p) < 2 || p[0]|0x20 != 'q' || p[1] != '=' {
			continue
		}
		q, err := strconv.ParseFloat(string(p[2:]), 64)
		if err != nil || q < 0 || q > 1 {
			return 0
		}
		return int(q * 1000)
	}
	return 1000
}
