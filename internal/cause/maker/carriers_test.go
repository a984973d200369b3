// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"strings"
	"testing"
)

// carriers are heads of answers that somebody else made, with the fields that a carrier leaves on them.
var carriers = []struct{ head, want string }{
	{"Server: nginx/1.24.0 (Ubuntu)", "carried by nginx"},
	{"Via: 1.1 kong/3.6.1\nX-Kong-Upstream-Latency: 12\nX-Kong-Proxy-Latency: 1", "carried by kong"},
	{"Server: gunicorn\nVia: 2 kong/3.6.1", "carried by kong; carried by gunicorn"},
	{"Server: envoy\nX-Envoy-Upstream-Service-Time: 12", "carried by envoy"},
	{"Via: 1.1 Caddy\nServer: gunicorn", "carried by caddy; carried by gunicorn"},
	{"Via: 1.1 cache (Varnish/7.1)\nX-Varnish: 32770 3", "carried by varnish tells cached"},
	{"Via: http/1.1 edge (ApacheTrafficServer/9.2.5 [uScMsSf pSeN:t cCMp sS])", "carried by trafficserver"},
	{"Set-Cookie: AWSALB=abc; Path=/\nSet-Cookie: AWSALBCORS=abc; Path=/", "carried by aws-elb"},
	{"Set-Cookie: ApplicationGatewayAffinity=abc", "carried by azure-app-gateway"},
	{"Set-Cookie: sid=1\nSet-Cookie: ARRAffinity=abc;Path=/", "carried by iis"},
	{"Via: 1.1 google", "carried by gcp-lb"},
	{"CF-RAY: 8f2a1b3c4d5e6f70-FRA\nCF-Cache-Status: HIT\nServer: cloudflare", "carried by cloudflare tells cached"},
	{"Cf-Cloudflared-Response-Meta: {\"src\":\"origin\"}", "carried by cloudflared"},
	{"X-Cache: Hit from cloudfront\nAge: 4\nVia: 1.1 51c76241371dfc20d25094a51b4759eb.cloudfront.net (CloudFront)\nX-Amz-Cf-Id: a", "carried by cloudfront tells cached"},
	{"X-Served-By: cache-ams4151-AMS\nX-Cache: HIT\nX-Timer: S1494539468.150815,VS0,VE1", "carried by fastly tells cached"},
	{"X-Akamai-Transformed: 9 - 0 pmb=mRUM,1", "carried by akamai"},
	{"Akamai-GRN: 0.45f1ba5d.1700000000.6d1c9ab", "carried by akamai"},
	{"X-Azure-Ref: 20261125T120000Z", "carried by azure-front-door"},
	{"Server: BunnyCDN-DE1-1049\nCDN-PullZone: 1\nCDN-Cache: HIT", "carried by bunny tells cached"},
	{"X-Edge-Location: defr\nX-Cache: MISS", "carried by keycdn"},
	{"X-CDN: Imperva", "carried by imperva"},
	{"Server: BigIP", "carried by f5-big-ip"},
	{"Set-Cookie: BIGipServerpool=1.2.3; path=/", "carried by f5-big-ip"},
	{"X-Vercel-Id: fra1::abc\nX-Vercel-Cache: HIT\nAge: 3", "carried by vercel tells cached"},
	{"Ngrok-Agent-Ips: 203.0.113.7", "carried by ngrok"},
	{"Server: Cowboy\nReporting-Endpoints: heroku-nel=https://nel.example/", "carried by heroku"},
	{"Via: 1.1 heroku-router", "carried by heroku"},
	{"Server: LiteSpeed\nX-LiteSpeed-Cache: hit", "carried by litespeed tells cached"},
	{"Server: Apache-Coyote/1.1", "carried by tomcat"},
	{"Link: <https://shop.example/wp-json/>; rel=\"https://api.w.org/\"", "carried by wordpress"},
	{"Set-Cookie: laravel_session=abc; path=/", "carried by laravel"},
	{"X-Debug-Token: 8e3a1f", "carried by symfony"},
	{"X-Drupal-Cache: MISS", "carried by drupal"},
	{"Set-Cookie: csrftoken=abc; Path=/", "carried by django"},
	{"Server: Werkzeug/3.0.1 Python/3.12.3", "carried by flask"},
	{"X-Application-Context: shop:prod:8080", "carried by spring-boot"},
	{"X-Powered-By: Phusion Passenger(R) 6.0.17", "carried by passenger"},
}

// I3: what stands on every answer makes nobody the maker of one.
func TestCarriers(t *testing.T) {
	for _, c := range carriers {
		a := carried(t, c.head)
		if got := names(Identify(&a), true); got != c.want {
			t.Errorf("%q: %s, not %s", c.head, got, c.want)
		}
	}
}

func carried(t *testing.T, head string) Answer {
	t.Helper()
	a, err := parse([]byte("HTTP/1.1 502 Bad Gateway\n" + head + "\nContent-Type: text/html\n\n<h1>We will be back in a while</h1>"))
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return a
}

// I4: a mark that no answer here shows may never match anything.
func TestEachMarkIsSeen(t *testing.T) {
	var answers []Answer
	for _, p := range append(pages(t, "pages"), pages(t, "held")...) {
		answers = append(answers, p.answer)
	}
	for _, c := range carriers {
		answers = append(answers, carried(t, c.head))
	}
	for _, trap := range traps {
		a, err := parse([]byte(trap.answer))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	for _, p := range Products() {
		for i := range p.Marks {
			if !seen(&p.Marks[i], answers) {
				t.Errorf("%s, mark %d (%s): no page shows it", p.ID, i+1, p.Marks[i].Words())
			}
		}
	}
}

func seen(m *Mark, answers []Answer) bool {
	for i := range answers {
		v := answers[i].view()
		if _, ok := m.holds(&v); ok {
			return true
		}
	}
	return false
}

// Field names are compared without case, as HTTP wants it; values are not.
func TestFieldNamesHaveNoCase(t *testing.T) {
	a := carried(t, strings.ToLower("CF-RAY: 8f2a1b3c4d5e6f70")+"\nSERVER: cloudflare")
	if got := names(Identify(&a), false); got != "carried by cloudflare" {
		t.Error(got)
	}
}
