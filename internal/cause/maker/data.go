// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// version is the form of the data that this code reads.
const version = 1

//go:embed makers.yaml
var text []byte

// book is the data, compiled.
type book struct {
	tells    []Tell
	products []*Product
}

// data is read when it is first needed. Data that is wrong is a mistake of ours that no test run can miss.
var data = sync.OnceValue(func() *book {
	b, err := decode(text)
	if err != nil {
		panic("maker: " + err.Error())
	}
	return b
})

// decode reads, checks and compiles the data. The error has everything that is wrong with it.
func decode(text []byte) (*book, error) {
	var written struct {
		Version  int        `yaml:"version"`
		Tells    []Tell     `yaml:"tells"`
		Products []*Product `yaml:"products"`
	}
	if err := yaml.UnmarshalWithOptions(text, &written, yaml.DisallowUnknownField()); err != nil {
		return nil, err
	}
	c := checker{seen: map[string]bool{}, tells: map[string]bool{}}
	c.want(written.Version == version, "version is %d, not %d", written.Version, version)
	for _, t := range written.Tells {
		c.want(idForm.MatchString(t.ID) && t.Says != "", "tell %q lacks a part, or its id is not in small letters", t.ID)
		c.want(!c.tells[t.ID], "tell %s is there twice", t.ID)
		c.tells[t.ID] = true
	}
	for _, p := range written.Products {
		c.product(p)
	}
	return &book{written.Tells, written.Products}, errors.Join(c.wrong...)
}

var (
	idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	kinds  = []string{KindProxy, KindCDN, KindPlatform, KindServer, KindApplication, KindWAF}
)

// hasMinBytes is how long a text is that a body may be known by, wherever it stands.
const hasMinBytes = 6

// literalMin is how long the fixed text is that an expression for a body begins with, unless it is anchored: it makes
// the search fast, and a page hard to take for another.
const literalMin = 8

// instructionsMax bounds an expression. Above 500 package regexp leaves its fast ways, and a repetition like .{0,900} is
// as many instructions.
const instructionsMax = 500

// checker collects what is wrong.
type checker struct {
	wrong []error
	seen  map[string]bool // ids of products
	tells map[string]bool // ids of tells
}

func (c *checker) want(holds bool, format string, args ...any) {
	if !holds {
		c.wrong = append(c.wrong, fmt.Errorf(format, args...))
	}
}

func (c *checker) product(p *Product) {
	c.want(idForm.MatchString(p.ID), "product %q: the id is not in small letters", p.ID)
	c.want(!c.seen[p.ID], "product %s is there twice", p.ID)
	c.seen[p.ID] = true
	c.want(p.Name != "" && p.Says != "" && len(p.LookAt) > 0 && len(p.Marks) > 0, "product %s lacks a part", p.ID)
	c.want(slices.Contains(kinds, p.Kind), "product %s: %q is no kind", p.ID, p.Kind)
	made := false
	for i := range p.Marks {
		m := &p.Marks[i]
		made = made || m.Made != ""
		c.mark(m, fmt.Sprintf("product %s, mark %d", p.ID, i+1))
	}
	c.want(made == !p.Makes.Empty(), "product %s: statuses that it makes, and marks that prove it, belong together", p.ID)
	codes := map[string]bool{}
	for _, code := range p.Codes {
		c.want(code.ID != "" && code.Means != "" && !codes[code.ID], "product %s: code %q is there twice or means nothing", p.ID, code.ID)
		c.want(code.Tells == "" || c.tells[code.Tells], "product %s, code %s: %q is no tell", p.ID, code.ID, code.Tells)
		codes[code.ID] = true
	}
}

func (c *checker) mark(m *Mark, where string) {
	c.want((m.Made == "") != (m.Carried == ""), "%s: it proves either made or carried", where)
	c.want(m.Weight >= 1 && m.Weight <= 99, "%s: weight %d is not of 1 to 99 percent", where, m.Weight)
	c.want(m.Tells == "" || c.tells[m.Tells], "%s: %q is no tell", where, m.Tells)
	c.want(len(m.Fields)+len(m.Only)+len(m.Has)+len(m.Body) > 0, "%s: neither fields nor a body", where)
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		value := m.Fields[name]
		c.want(value == "" || anchored(value), "%s: the value of %s is not anchored", where, name)
		f := fieldMark{name, c.compile(value, where), -1}
		if f.value != nil {
			f.code = f.value.SubexpIndex("code")
		}
		m.fields = append(m.fields, f)
	}
	for _, text := range m.Has {
		c.want(len(text) >= hasMinBytes, "%s: %q is too short to be sure of", where, text)
		m.has = append(m.has, []byte(text))
	}
	m.body, m.status, m.code = c.compile(m.Body, where), -1, -1
	if m.body == nil {
		return
	}
	literal, _ := m.body.LiteralPrefix()
	c.want(anchored(m.Body) || len(literal) >= literalMin,
		"%s: the body's expression neither is anchored nor begins with %d fixed bytes", where, literalMin)
	m.status, m.code = m.body.SubexpIndex("status"), m.body.SubexpIndex("code")
}

// anchored reports whether an expression holds at the beginning only; flags may stand before its anchor.
func anchored(expression string) bool {
	return strings.HasPrefix(flags.ReplaceAllString(expression, ""), "^")
}

var flags = regexp.MustCompile(`^\(\?[is]+\)`)

// compile returns nil for no expression.
func (c *checker) compile(expression, where string) *regexp.Regexp {
	if expression == "" {
		return nil
	}
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		c.want(false, "%s: %v", where, err)
		return nil
	}
	program, err := syntax.Compile(tree.Simplify())
	c.want(err == nil && len(program.Inst) <= instructionsMax, "%s: the expression has more than %d instructions", where, instructionsMax)
	return regexp.MustCompile(expression)
}
