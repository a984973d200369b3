// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package engine

// underRace: the race detector makes pools forget things at random.
const underRace = true
