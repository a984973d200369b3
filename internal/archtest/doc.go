// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package archtest holds the architecture rules of this module as tests. It has no code of its own: everything is in
// the _test.go files, so no program ever links it.
//
// What it never does: judge behaviour (the tests beside each package do), import another package of the module, run a
// program, or look outside the module's own tree.
//
// Invariants:
//
//	I1. Each rule is a checker: a function from sources to findings, which knows nothing of testing.T.
//	I2. Each checker is shown to fail: a test beside it feeds it a small bad example and wants the finding by name, and
//	    a good example and wants silence.
//	I3. A rule that finds nothing to look at fails; an empty tree is not a clean tree.
//	I4. A finding says where (file:line), what the rule is, and what to do instead.
//	I5. An exception is an entry with a reason, and an entry that is no longer needed is a finding.
//
// Where to start reading: deps_test.go, the import table, which is the map of the project; then source_test.go, how
// the tree is read. One file per family of rules after that.
package archtest
