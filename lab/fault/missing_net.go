// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

// missing are root causes that no fault here brings about, and why.
var missing = map[string]string{
	"ops.periodic_job": "its mark is the clock: trouble at the same minute of several hours or days. A stage lasts " +
		"seconds, and a job that comes every few of them is another cause to whoever looks for an hour or a day.",
}
