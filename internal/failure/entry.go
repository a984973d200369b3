// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

// Retry says what may be done about a failure besides reporting it. The rule
// that reads it stands in package exchange.
type Retry uint8

// The retry classes.
const (
	// RetryNever: the failure is final.
	RetryNever Retry = iota
	// RetryUnsent: no byte of the request was handed to the kernel, so a request
	// of any method may go to another server.
	RetryUnsent
	// RetryReused: the connection was a reused one and died before any byte of
	// the answer; a repeatable request may go out once more on a fresh one.
	RetryReused
	// RetryIdempotent: the server failed in the middle; only an idempotent
	// request may be repeated, and only by an owner's policy.
	RetryIdempotent
)

var retryNames = [...]string{"never", "if-unsent", "if-reused", "if-idempotent"}

// String returns the stable name shown in docs and API.
func (r Retry) String() string { return retryNames[r] }

// Severity says whether a failure harmed an exchange.
type Severity uint8

// The severities.
const (
	// SeverityError: the client did not get what the origin meant to send.
	SeverityError Severity = iota
	// SeverityWarning: the exchange was delivered whole, but something is wrong.
	SeverityWarning
	// SeverityClient: the client's own doing; never an error of the site.
	SeverityClient
)

var severityNames = [...]string{"error", "warning", "client"}

// String returns the stable name shown in docs and API.
func (s Severity) String() string { return severityNames[s] }

// StatusClientGone logs a client that left before its answer was complete.
const StatusClientGone = 499

// Entry is all that is known about one code, for machines and for people.
type Entry struct {
	Code Code
	// Name is the code's stable form; filled from Code at start.
	Name string
	// ID is the entry's index in All: dense, for arrays of counters. It may
	// change between versions and is never shown.
	ID int

	Family Family
	// Status is what the client is answered while an answer can still be made.
	// Once a head has gone out, the status in it stands and this one is only the
	// class of the failure. 499 is never sent: it logs a client that left.
	Status int
	// ProxyError is the error type of RFC 9209 section 2.3, empty where nobody is
	// left to read it.
	ProxyError string
	Retry      Retry
	Severity   Severity

	// Title is a heading of a few words. Meaning is one or two sentences an owner
	// understands. Reasons lists likely reasons, most likely first. LookAt lists
	// what to look at or do, as imperative sentences. In all but the title, text
	// between backquotes is to be typed or is quoted; capitals in it stand for the
	// reader's own names.
	Title   string
	Meaning string
	Reasons []string
	LookAt  []string
}

// Filled at start and never written afterwards.
var (
	byName = map[string]*Entry{}
	byCode = map[Code]*Entry{}
	all    []*Entry
)

func init() {
	for _, part := range [][]Entry{clientEntries, upstreamEntries, gatewayEntries} {
		for i := range part {
			register(&part[i])
		}
	}
}

// register gives e its name and number. An entry that is there twice is a mistake of
// ours that no test run can miss.
func register(e *Entry) {
	e.Name = e.Code.compose()
	if byName[e.Name] != nil {
		panic("failure: " + e.Name + " is registered twice")
	}
	e.ID = len(all)
	byName[e.Name] = e
	byCode[e.Code] = e
	all = append(all, e)
}

// Lookup returns the entry of c, or nil if c is no legal code.
func Lookup(c Code) *Entry { return byCode[c] }

// All returns every entry, clients first, then upstreams, then the gateway, each
// in phase order. The slice is shared: do not write to it.
func All() []*Entry { return all }
