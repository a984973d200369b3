// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"strings"
	"testing"
)

// The nginx page that most of the traps are about.
const nginxPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" +
	"<hr><center>nginx/1.24.0 (Ubuntu)</center>\r\n</body>\r\n</html>\r\n"

// Answers that lead to a wrong name if they are read carelessly. I3
var traps = []struct {
	why    string
	answer string // head with LF, an empty line, the body
	want   string // as told writes it, without scores and codes
}{
	{"a delivery network's fields on the page of the origin's nginx",
		"HTTP/1.1 502 Bad Gateway\nServer: cloudflare\nCF-RAY: 8f2a1b3c4d5e6f70-FRA\nContent-Type: text/html\n\n" + nginxPage,
		"made by nginx; carried by cloudflare"},
	{"the same behind CloudFront, which keeps the origin's Server",
		"HTTP/1.1 502 Bad Gateway\nServer: nginx/1.24.0 (Ubuntu)\nX-Cache: Error from cloudfront\nX-Amz-Cf-Id: abc\n\n" + nginxPage,
		"made by nginx; carried by cloudfront"},
	{"a page of nginx's that Cloudflare signs is its own",
		"HTTP/1.1 502 Bad Gateway\nServer: cloudflare\n\n" + strings.Replace(nginxPage, "nginx/1.24.0 (Ubuntu)", "cloudflare", 1),
		"made by cloudflare"},
	{"a page of nginx's without a signature is the load balancer's",
		"HTTP/1.1 502 Bad Gateway\nDate: x\n\n" + strings.Replace(nginxPage, "<hr><center>nginx/1.24.0 (Ubuntu)</center>\r\n", "", 1),
		"made by aws-elb"},
	{"no Server field and no version: nginx it is, perhaps that of an ingress",
		"HTTP/1.1 502 Bad Gateway\nDate: x\n\n" + strings.Replace(nginxPage, "/1.24.0 (Ubuntu)", "", 1),
		"made by nginx; made by ingress-nginx"},
	{"Render behind Cloudflare",
		"HTTP/1.1 502 Bad Gateway\nServer: cloudflare\nCF-RAY: 8f2a1b3c4d5e6f70-FRA\nRndr-Id: 1\nX-Render-Routing: no-server\nContent-Length: 0\n\n",
		"made by render; carried by cloudflare"},
	{"an application's page from Render, behind Cloudflare",
		"HTTP/1.1 500 Internal Server Error\nServer: cloudflare\nRndr-Id: 1\nX-Render-Origin-Server: gunicorn\nX-Powered-By: Express\n\n<p>Oh no</p>",
		"carried by render; carried by express; carried by cloudflare"},
	{"App Platform behind Cloudflare",
		"HTTP/1.1 503 Service Unavailable\nServer: cloudflare\nX-Do-App-Origin: 1\n\n<!DOCTYPE html><p>no_healthy_upstream (503 UH)</p>",
		"made by digitalocean-app; carried by cloudflare"},
	{"a page of the owner's own says nothing of its maker",
		"HTTP/1.1 502 Bad Gateway\nContent-Type: text/html\nContent-Length: 35\n\n<h1>We will be back in a while</h1>",
		"nobody"},
	{"nor does it where the server is named",
		"HTTP/1.1 502 Bad Gateway\nServer: nginx\nContent-Type: text/html\n\n<h1>We will be back in a while</h1>",
		"carried by nginx"},
	{"a good page that is nginx's page",
		"HTTP/1.1 200 OK\nServer: nginx\n\n" + nginxPage,
		"carried by nginx"},
	{"a good page that quotes errors",
		"HTTP/1.1 200 OK\nServer: Apache\n\n<p>SQLSTATE[HY000] [2002] Connection refused, ERR_NGROK_8012, Error establishing a database connection</p>",
		"carried by apache-httpd"},
	{"an error page that quotes nginx's page further down",
		"HTTP/1.1 500 Internal Server Error\nServer: Apache\n\n<p>The payment service answered:</p><pre>" + nginxPage + "</pre>",
		"carried by apache-httpd"},
	{"an application's page that quotes the tunnel that it asked",
		"HTTP/1.1 502 Bad Gateway\nServer: gunicorn\n\n<p>https://payments.example: ERR_NGROK_3200, the endpoint is offline</p>",
		"carried by gunicorn"},
	{"an application's own word, at Vercel",
		"HTTP/1.1 404 Not Found\nServer: Vercel\nX-Vercel-Id: fra1::abc\nContent-Type: application/json\n\n{\"error\":\"NOT_FOUND\"}",
		"carried by vercel"},
	{"a page of another status than the answer's: somebody replaced one of them",
		"HTTP/1.1 503 Service Unavailable\nServer: nginx\n\n" + nginxPage,
		"carried by nginx"},
	{"a page out of a cache is still its maker's",
		"HTTP/1.1 502 Bad Gateway\nServer: nginx\nAge: 41\nX-Cache: HIT\n\n" + nginxPage,
		"made by nginx tells cached upstream-failed"},
	{"a stored page that nobody is known by",
		"HTTP/1.1 502 Bad Gateway\nAge: 41\n\n<h1>We will be back in a while</h1>",
		"carried by cache tells cached"},
	{"a fresh page has no age",
		"HTTP/1.1 502 Bad Gateway\nServer: nginx\nAge: 0\nX-Cache: MISS\n\n" + nginxPage,
		"made by nginx tells upstream-failed"},
	{"the database's words on a page of a framework's",
		"HTTP/1.1 500 Internal Server Error\nX-Powered-By: Express\n\n<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
			"<title>Error</title>\n</head>\n<body>\n<pre>Error: connect ECONNREFUSED 127.0.0.1:5432</pre>\n",
		"made by express tells app-crashed database-unreachable"},
	{"Connection refused alone is not the database's",
		"HTTP/1.1 502 Bad Gateway\nServer: nginx\n\n<p>Connection refused</p>",
		"carried by nginx"},
	{"an empty answer whose body was coded is not empty",
		"HTTP/1.1 502 Bad Gateway\nServer: envoy\nContent-Encoding: gzip\nContent-Type: text/html\n\n",
		"carried by envoy"},
	{"a weak mark of a maker's on an answer that it certainly carried",
		"HTTP/1.1 503 Service Unavailable\nX-Iinfo: 9-12345678-0 NNNN\nX-CDN: Imperva\n\n<a href=\"/?edet=8&page=2\">Next</a>",
		"carried by imperva"},
	{"a bare word of an application that names itself",
		"HTTP/1.1 502 Bad Gateway\nX-Powered-By: Express\nDate: x\nContent-Length: 11\nContent-Type: text/plain; charset=utf-8\n\nBad Gateway",
		"carried by express"},
	{"a bare word in a head of another order than Go's",
		"HTTP/1.1 502 Bad Gateway\nContent-Type: text/plain; charset=utf-8\nContent-Length: 11\nDate: x\n\nBad Gateway",
		"nobody"},
	{"an empty 502 of Node's, whose fields are Go's in another order",
		"HTTP/1.1 502 Bad Gateway\nDate: x\nConnection: close\nContent-Length: 0\n\n",
		"nobody"},
	{"an empty 502 with a field of the application's",
		"HTTP/1.1 502 Bad Gateway\nDate: x\nContent-Length: 0\nX-Shop: 1\n\n",
		"nobody"},
	{"Varnish's words of Fastly are Fastly's, spelled in its own way",
		"HTTP/1.1 503 Service Unavailable\nX-Varnish: 3\n\n<!DOCTYPE html>\n<html>\n<head>\n<title>503 first byte timeout</title>\n</head>\n<h3>Guru Mediation:</h3>",
		"made by fastly tells upstream-timeout; carried by varnish"},
}

func TestTraps(t *testing.T) {
	for _, trap := range traps {
		a, err := parse([]byte(trap.answer))
		if err != nil {
			t.Fatalf("%s: %v", trap.why, err)
		}
		if got := names(Identify(&a), strings.Contains(trap.want, "tells")); got != trap.want {
			t.Errorf("%s: %s, not %s", trap.why, got, trap.want)
		}
	}
}

// The number that a page or field gives counts before the status, and the status before nothing.
func TestCodes(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"HTTP/1.1 530 X\nCF-RAY: 8f2a1b3c4d5e6f70-FRA\n\nerror code: 1016", "1016"},
		{"HTTP/1.1 530 X\nCF-RAY: 8f2a1b3c4d5e6f70-FRA\n\nerror code: 1999", "530"},
		{"HTTP/1.1 530 X\nCf-Error-Type: 1033\n\n<p>Sorry</p>", "1033"},
		{"HTTP/1.1 502 X\nNgrok-Error-Code: ERR_NGROK_8012\n\n<p>Sorry</p>", "ERR_NGROK_8012"},
		{"HTTP/1.1 502 X\nNgrok-Error-Code: ERR_NGROK_1\n\n<p>Sorry</p>", ""},
		{"HTTP/1.1 403 X\nX-Reference-Error: 18.c5200117.1764616637.332afd23\n\n<p>Sorry</p>", "18"},
		{"HTTP/1.1 502 X\nServer: nginx\n\n" + nginxPage, "502"},
		{"HTTP/1.1 502 X\nServer: nginx\n\n<p>Sorry</p>", ""},
	} {
		a, err := parse([]byte(c.answer))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if found := Identify(&a); len(found) > 0 && found[0].Code != nil {
			got = found[0].Code.ID
		}
		if got != c.want {
			t.Errorf("%q has the code %q, not %q", c.answer, got, c.want)
		}
	}
}

// names is told without scores and codes, and without what is told unless that is wanted.
func names(found []Match, tells bool) string {
	var all []string
	for _, m := range found {
		text := "carried by " + m.Product.ID
		if m.Made {
			text = "made by " + m.Product.ID
		}
		if tells && len(m.Tells) > 0 {
			text += " tells " + strings.Join(m.Tells, " ")
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, "; ")
}
