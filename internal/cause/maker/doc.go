// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package maker says who made an error answer: the products between a visitor and an application have pages, fields
// and numbers of their own, and those are known here as data.
//
// What it is: Identify, which takes the head and the first bytes of an answer and returns the products that made or
// carried it, best maker first; Products and Tells, what is known about each, for screens and for docs/makers.md
// (Markdown). The data is makers.yaml, which explains its own form at its top. A mark there is a conjunction of
// conditions about one answer. It proves either that the product *made* the answer (its page, a field that it sends on
// its own errors only) or that it *carried* it (a field that it puts on everything).
//
// What it never does: no I/O beyond the embedded data, no clock, no guess from a status alone. It does not look for the
// cause of an error; it says whose log has it. A page without a known mark gives no maker: silence is better than a
// wrong name.
//
// Invariants:
//
//	I1. Work is bounded whatever the answer holds: fieldsMax fields, sameNameMax of one name, valueMaxBytes of each
//	    value, BodyMax of the body, and expressions that take time linear in these.
//	I2. The result is a function of the answer: same answer, same matches, in the same order.
//	I3. A product has made an answer only if its own page or its own error field is there, with a status that it makes;
//	    what a good answer quotes counts for nothing.
//	I4. Each product, and each tell, has a page in testdata/pages which shows it, and each mark an answer in the tests.
//
// Start reading with Identify, then the first products of makers.yaml.
package maker
