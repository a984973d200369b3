// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	// errorPageLimitBytes bounds one error page. It is kept in memory and sent
	// in one piece, also when everything else is short.
	errorPageLimitBytes = 64 << 10
	// errorPagesLimitBytes bounds all error pages of a configuration.
	errorPagesLimitBytes = 16 << 20
)

// ErrorPage is an owner's page for answers that the gateway makes itself.
type ErrorPage struct {
	// Status is what it is for: 502, or 5xx.
	Status string
	// File is where it came from; Content what was in it, UTF-8 HTML.
	File    string
	Content []byte
}

// ErrorPages are the pages of one site, or of the top level.
type ErrorPages []ErrorPage

// MarshalJSON gives the mapping of status to file, in order.
func (p ErrorPages) MarshalJSON() ([]byte, error) {
	return marshalNamed(p, func(e ErrorPage) (string, any) { return e.Status, e.File })
}

// marshalNamed gives a list as a JSON object, in the order of the list.
func marshalNamed[E any](list []E, pair func(E) (string, any)) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range list {
		name, value := pair(e)
		k, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// pageCache keeps what was read, so that a thousand sites can have one page.
type pageCache struct {
	pages map[string]*pageResult
	bytes int64
}

type pageResult struct {
	content []byte
	problem *Problem
}

// errorPage is a file that is read at once.
var errorPage = kind[ErrorPage]{
	shape: filePath.shape,
	read: func(d *decoder, c cursor) (ErrorPage, bool) {
		name, ok := filePath.read(d, c)
		if !ok {
			return ErrorPage{}, false
		}
		if d.pages.pages == nil {
			d.pages.pages = map[string]*pageResult{}
		}
		page := d.pages.pages[name]
		if page == nil {
			page = &pageResult{}
			page.content, page.problem = d.read(name, errorPageLimitBytes)
			d.pages.pages[name] = page
			d.pages.bytes += int64(len(page.content))
		}
		switch {
		case page.problem != nil:
			d.failFile(c, page.problem)
		case len(bytes.TrimSpace(page.content)) == 0:
			d.fail(c, "remove the key to have the built-in page", "the file %s is empty", quote(name))
		case !utf8.Valid(page.content):
			d.fail(c, "an error page is HTML in UTF-8", "the file %s is not UTF-8", quote(name))
		case d.pages.bytes > errorPagesLimitBytes:
			d.fail(c, "", "the error pages have more than %s together", Size(errorPagesLimitBytes))
		default:
			return ErrorPage{File: name, Content: page.content}, true
		}
		return ErrorPage{}, false
	},
}

// failFile reports that a file which the configuration names is of no use.
func (d *decoder) failFile(c cursor, p *Problem) {
	placed := d.problem(c, c.node.at, c.node.width, p.Hint, "the file "+quote(p.File)+" "+p.Message)
	placed.cause = p.cause
	d.report.add(placed)
}

// filePath is the name of a file; relative names start at the directory of the
// configuration, and the value is absolute if that directory can be found.
var filePath = func() kind[string] {
	s := &shape{name: "file", defined: true, want: "the name of a file", anyText: true,
		doc:    "The name of a file. A relative name starts at the directory of the configuration, not at the current directory.",
		schema: map[string]any{"type": "string", "minLength": 1}}
	text := leaf(s, func(text string) (string, error) {
		if text == "" || !isPrintable(text) {
			return "", wrong("", "%s is no name of a file", quote(text))
		}
		return text, nil
	})
	return kind[string]{shape: s, read: func(d *decoder, c cursor) (string, bool) {
		name, ok := text.read(d, c)
		return d.absolute(name), ok
	}}
}()

// absolute completes a name of a file.
func (d *decoder) absolute(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	name = filepath.Join(d.dir, name)
	if whole, err := filepath.Abs(name); err == nil {
		return whole
	}
	return name
}

// checkStatus checks a key of error_pages.
func checkStatus(key string) error {
	lower := strings.ToLower(key)
	switch {
	case len(key) == 3 && (key[0] == '4' || key[0] == '5') && (isWord(key[1:], "") && strings.Trim(key[1:], "0123456789") == "" || key[1:] == "xx"):
		return nil
	case lower == "4xx" || lower == "5xx":
		return wrong("write "+lower, "%s is no status", quote(key))
	case lower == "default" || key == "*":
		return wrong("write 4xx and 5xx", "%s is no status", quote(key))
	case len(key) == 3 && (key[0] >= '1' && key[0] <= '3'):
		return wrong("the gateway makes no error with this status", "%s is no status of an error", quote(key))
	}
	return wrong("write a status such as 502, or a class: 4xx, 5xx", "%s is no status of an error", quote(key))
}
