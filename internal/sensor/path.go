// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import "bytes"

// pathMax bounds what is kept of a path.
const pathMax = 64

// path is the shape of a target: its path with a star for each part that is a number, an
// id or a random word, so that /product/17 and /product/18 are one.
type path struct {
	text [pathMax]byte
	n    uint8
}

func (p *path) String() string { return string(p.text[:p.n]) }

// shape reads the path of a target.
func shape(target []byte) (p path) {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	for len(target) > 0 && int(p.n) < pathMax {
		var part []byte
		end := bytes.IndexByte(target[1:], '/') + 1
		if end == 0 {
			end = len(target)
		}
		part, target = target[:end], target[end:]
		if varies(part[1:]) {
			part = append(part[:1:1], '*')
		}
		p.n += uint8(copy(p.text[p.n:], part))
	}
	return p
}

// varies reports a part that is another for each thing it names: with more digits than
// a version or a year has, or longer than words are.
func varies(part []byte) bool {
	digits := 0
	for _, c := range part {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits > 0 && digits == len(part) || digits >= 3 && digits*3 >= len(part) || len(part) > 40
}

// isFile reports a path of something that is sent as it is, by the end of its name.
func isFile(p []byte) bool {
	if i := bytes.IndexByte(p, '?'); i >= 0 {
		p = p[:i]
	}
	i := bytes.LastIndexByte(p, '.')
	if i < 0 || len(p)-i > 6 {
		return false
	}
	switch string(p[i+1:]) {
	case "css", "js", "mjs", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "woff", "woff2", "ttf", "txt", "xml", "map", "mp4", "pdf":
		return true
	}
	return false
}
