// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package netpoll

import (
	"sync"
	_ "unsafe" // for go:linkname
)

// The functions that package runtime provides to internal/poll, by the names under
// which it does so. They are as old as Go's poller; should a release change them,
// linking fails or the tests of this package do. Their documentation:
// runtime/netpoll.go.

var initOnce sync.Once

//go:linkname pollServerInit internal/poll.runtime_pollServerInit
func pollServerInit()

//go:linkname pollOpen internal/poll.runtime_pollOpen
func pollOpen(fd uintptr) (ctx uintptr, errno int)

//go:linkname pollClose internal/poll.runtime_pollClose
func pollClose(ctx uintptr)

//go:linkname pollWait internal/poll.runtime_pollWait
func pollWait(ctx uintptr, mode int) int

//go:linkname pollSetDeadline internal/poll.runtime_pollSetDeadline
func pollSetDeadline(ctx uintptr, d int64, mode int)

//go:linkname pollUnblock internal/poll.runtime_pollUnblock
func pollUnblock(ctx uintptr)
