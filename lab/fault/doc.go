// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package fault makes root causes happen: each Fault is one of them, brought about
// behind a gateway with real software, raw servers or rules of the kernel, while
// visitors come.
//
// What it is: the faults, a Stage on which one of them is set up, broken and mended,
// and Visitors, who ask throughout. Each fault states the truth, an id of the
// catalogue of root causes, so that what a gateway says can be compared with it.
//
// What it never does: it looks at no diagnosis, and uses nothing of the gateway. What
// it starts listens on loopback or in network namespaces that it made, and is bounded
// in number and time.
//
// Invariants:
//
//	I1. Stage.Close ends everything that was begun on the stage: processes, sockets,
//	    namespaces, files.
//	I2. A signal reaches only processes that the stage started.
//	I3. What a machine lacks is an ErrNeeds, which says what to install or to be.
//
// Start reading with Fault, then Stage; faults_*.go are the faults, by layer, and missing.go says which causes have none.
package fault
