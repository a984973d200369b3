// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package causes compares what the gateway says with what was done: each fault of
// lab/fault is made behind the real program while visitors come, and the root cause that
// the program names first must be the truth.
//
// What it is: TestCauses, which plays faults by lab/judge, breaks at
// a random moment, and waits until the cause is named.
//
// What it never does: it tells the program nothing of the fault, and reads nothing of it
// but the admin side. A twin of the truth is right only where the fault says why.
//
// Invariants:
//
//	I1. What is compared is the answer of the admin side, not a state inside the program.
//	I2. Each root cause has a fault, or a written reason why there is none.
//
// Start reading with TestCauses.
package causes
