// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"fmt"
	"strings"
)

// markdownHead opens docs/makers.md.
const markdownHead = `# Who made this answer

<!-- Generated from internal/cause/maker: go test ./internal/cause/maker -update -->

Between a visitor and an application stand others: delivery networks, load balancers, web servers, platforms. Each has
error pages of its own, and a gateway that relays one cannot know why it was made; only its maker's log can. These are
the makers that are known, what they are known by, and where to look.

A mark proves either that the product **made** the answer (its own page, or a field that it sends on its own errors
only), or that it **carried** it (a field that it puts on everything). So an nginx page with the fields of Cloudflare was
made by nginx and carried by Cloudflare. A page without a known mark has no known maker: an owner's own error pages are
such, and then the fields say at most who carried it.

The weight says how sure a mark is, in percent. Marks add up as independent witnesses do; below 50 percent in all a
product is not named. A mark that proves *made* counts only for a status that the product makes.

The products are data: ` + "`internal/cause/maker/makers.yaml`" + ` explains its form. Each has pages below
` + "`internal/cause/maker/testdata`" + `, which ` + "`go run ./lab/cmd/labpages`" + ` captures anew from the programs that can be run, and
which are rebuilt from the source that their first line names for the others.
`

// kindTitles head the chapters of docs/makers.md, in their order.
var kindTitles = []struct{ kind, title string }{
	{KindProxy, "Proxies and load balancers"},
	{KindCDN, "Delivery networks"},
	{KindWAF, "Firewalls"},
	{KindPlatform, "Platforms"},
	{KindServer, "Servers that run an application"},
	{KindApplication, "Applications and frameworks"},
}

// Markdown returns docs/makers.md: what a page may tell, then every product by kind.
func Markdown() []byte {
	var b strings.Builder
	b.WriteString(markdownHead)
	b.WriteString("\n## What a page tells\n\nBeside its maker an error page often says something of the reason:\n\n| | |\n|---|---|\n")
	for _, t := range Tells() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", t.ID, t.Says)
	}
	for _, chapter := range kindTitles {
		fmt.Fprintf(&b, "\n## %s\n", chapter.title)
		for _, p := range Products() {
			if p.Kind == chapter.kind {
				p.section(&b)
			}
		}
	}
	return []byte(b.String())
}

// section writes one product. The anchor is its id, so that a screen can link to it.
func (p *Product) section(b *strings.Builder) {
	fmt.Fprintf(b, "\n<a id=\"%s\"></a>\n### %s\n\n%s\n\n", p.ID, p.Name, p.Says)
	for _, look := range p.LookAt {
		fmt.Fprintf(b, "- %s\n", look)
	}
	if !p.Makes.Empty() {
		fmt.Fprintf(b, "\nStatuses that it makes: %s.\n", p.Makes)
	}
	b.WriteString("\n| mark | proves | weight | tells |\n|---|---|---|---|\n")
	for i := range p.Marks {
		m := &p.Marks[i]
		proves := "carried"
		if m.Made != "" {
			proves = "made"
		}
		fmt.Fprintf(b, "| %s | %s | %d | %s |\n", m.Words(), proves, m.Weight, quoted(m.Tells))
	}
	if len(p.Codes) == 0 {
		return
	}
	b.WriteString("\n| its number | means | tells |\n|---|---|---|\n")
	for _, c := range p.Codes {
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.ID, c.Means, quoted(c.Tells))
	}
}

func quoted(id string) string {
	if id == "" {
		return ""
	}
	return "`" + id + "`"
}
