// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"hash/fnv"

	"causey/internal/record"
	"causey/internal/wire"
)

// softwarePerSlot bounds the good answers that are read for what they name, in a slot of
// time: software changes at most every few minutes.
const softwarePerSlot = 2

// noteSoftware keeps what some answers say of the programs behind them, and all those
// that are kept as bad.
func (x *Exchange) noteSoftware() {
	if x.bad != nil || x.env.software.take(x.last, softwarePerSlot) {
		x.rec.LastAttempt().Software = softwareOf(&x.res.Head)
	}
}

// buildFields are those, beside Server, in which programs name themselves or a version.
var buildFields = []string{"x-powered-by", "x-aspnet-version", "x-generator", "x-version", "x-app-version", "x-build", "x-build-id",
	"x-release", "x-revision", "x-commit", "x-git-commit"}

// softwareOf reads what a head says of the programs that made it. A version counts for
// the build only.
func softwareOf(h *wire.Head) (s record.Software) {
	build := fnv.New32a()
	for i := range h.Fields {
		value := h.Value(i)
		switch id := h.Fields[i].ID; {
		case id == wire.SetCookie:
			name, _, _ := bytes.Cut(value, []byte("="))
			s.Runs |= programOf(cookiePrograms, name)
			continue
		case id != wire.Server && (id != wire.Other || !isBuildField(h.Name(i))):
			continue
		}
		s.Runs |= programOf(fieldPrograms, value)
		build.Write(value)
		build.Write([]byte{'\n'})
	}
	s.Build = max(build.Sum32(), 1)
	return s
}

func isBuildField(name []byte) bool {
	if len(name) < 2 || name[0]|0x20 != 'x' || name[1] != '-' {
		return false
	}
	for _, f := range buildFields {
		if wire.EqualFold(name, f) {
			return true
		}
	}
	return false
}

// sign is how a value shows a program: by its beginning, in any case of letters.
type sign struct {
	text    string
	program record.Programs
}

// fieldPrograms are found in Server and X-Powered-By, cookiePrograms are names of
// cookies. The first that fits counts.
var (
	fieldPrograms = []sign{
		{"nginx", record.RunsNginx}, {"openresty", record.RunsNginx}, {"apache-coyote", record.RunsTomcat}, {"apache tomcat", record.RunsTomcat},
		{"apache", record.RunsApache}, {"php", record.RunsPHP}, {"gunicorn", record.RunsGunicorn}, {"uvicorn", record.RunsUvicorn},
		{"express", record.RunsNode}, {"next.js", record.RunsNode}, {"node", record.RunsNode}, {"puma", record.RunsPuma},
		{"phusion passenger", record.RunsPassenger}, {"microsoft-iis", record.RunsIIS}, {"asp.net", record.RunsIIS},
	}
	cookiePrograms = []sign{
		{"phpsessid", record.RunsPHP}, {"laravel_session", record.RunsPHP}, {"wordpress_", record.RunsPHP},
		{"connect.sid", record.RunsNode}, {"jsessionid", record.RunsTomcat}, {"asp.net_sessionid", record.RunsIIS},
	}
)

func programOf(signs []sign, value []byte) record.Programs {
	for _, m := range signs {
		if len(value) >= len(m.text) && wire.EqualFold(value[:len(m.text)], m.text) {
			return m.program
		}
	}
	return 0
}
