// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"regexp"
)

// The kinds of products.
const (
	KindProxy       = "proxy"       // relays to servers of the owner's: nginx, HAProxy, a load balancer
	KindCDN         = "cdn"         // a delivery network in front of the site
	KindPlatform    = "platform"    // runs the application and has the router in front of it
	KindServer      = "server"      // runs the application's code: gunicorn, Tomcat, a web server with PHP
	KindApplication = "application" // the application itself, or its framework
	KindWAF         = "waf"         // judges requests
)

// Product is something that answers in place of an application, or carries its answers. It is only read.
type Product struct {
	ID   string `yaml:"id"`   // stable, as in "cloudfront"
	Name string `yaml:"name"` // as its makers write it
	Kind string `yaml:"kind"`
	// Says is a sentence for the owner about an answer that the product made; of one that it only carried there is
	// nothing to say.
	Says string `yaml:"says"`
	// LookAt lists what to look at, as imperative sentences; where its error log is comes first.
	LookAt []string `yaml:"look"`
	// Makes are the statuses that the product gives to errors of its own.
	Makes Ranges `yaml:"makes"`
	// Codes are the numbers and words that the product itself gives to its errors. The key of one may be a status.
	Codes []Code `yaml:"codes"`
	// Marks are what it is known by.
	Marks []Mark `yaml:"marks"`
	// Generic marks a product that stands for whatever has no marks of its own: what it tells belongs to a better
	// known application in the same answer, if there is one.
	Generic bool `yaml:"generic"`
}

// Code is one of a product's own numbers.
type Code struct {
	ID    string `yaml:"id"`
	Means string `yaml:"means"`
	Tells string `yaml:"tells"` // the id of a Tell, or empty
}

// Means returns what a number of the product's own stands for, nil if it is not known.
func (p *Product) Means(code string) *Code {
	for i := range p.Codes {
		if p.Codes[i].ID == code {
			return &p.Codes[i]
		}
	}
	return nil
}

// Mark is what an answer may show. All conditions that are written must hold.
type Mark struct {
	// Made or Carried says in words what was recognised; which of the two is there says what it proves.
	Made    string `yaml:"made"`
	Carried string `yaml:"carried"`
	// Weight is how sure the mark is, in percent: of a hundred answers that show it, so many are this product's.
	Weight int    `yaml:"weight"`
	Tells  string `yaml:"tells"` // the id of a Tell that follows from the mark, or empty

	Status Ranges            `yaml:"status"`
	Fields map[string]string `yaml:"fields"` // name: expression for the value; an empty one takes any; code as in Body
	Absent []string          `yaml:"absent"` // fields that are not there
	Only   []string          `yaml:"only"`   // no others are there
	Order  []string          `yaml:"order"`  // these are there, in this order
	Length Ranges            `yaml:"length"` // of the body, in bytes
	// Has are texts of which one is in the first bytes of the body.
	Has []string `yaml:"has"`
	// Body is an expression for the first bytes. A group named status must be the answer's status, one named code is
	// the product's own number.
	Body string `yaml:"body"`

	fields []fieldMark
	has    [][]byte
	body   *regexp.Regexp
	status int // index of the group, -1 if there is none
	code   int
}

type fieldMark struct {
	name  string
	value *regexp.Regexp // nil takes any
	code  int            // index of the group, -1 if there is none
}

// Words is what the mark says when it is recognised.
func (m *Mark) Words() string { return m.Made + m.Carried }

// Tell is something an error page says about the reason behind it. The list is closed.
type Tell struct {
	ID string `yaml:"id"` // stable, as in "database-unreachable"
	// Says is a sentence for the owner.
	Says string `yaml:"says"`
}

// Products returns all products, in the order of the data. The slice is shared: do not write to it.
func Products() []*Product { return data().products }

// Tells returns the closed list of what a page may tell. The slice is shared: do not write to it.
func Tells() []Tell { return data().tells }
