// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package cdn knows the networks of content delivery networks by name, so that an
// owner writes `cloudflare` where its two dozen networks would stand.
//
// What it is: Set, one named list with its source and the date it was taken; Load,
// which reads the lists that are built in and newer ones from a directory; Parse, for
// the forms that the publishers use; Table, which finds the set of an address.
//
// A list is a JSON object, built in (sets/NAME.json) and in the directory
// (networks-NAME.json) alike:
//
//	name       the word an owner writes; of the built-in ones only
//	title      whose networks they are
//	sources    where their owner publishes them, each with a part of the whole
//	format     how it is published there: list, fastly, aws or array (see Parse)
//	service    with aws: whose of Amazon's networks count
//	retrieved  the day on which they were published so, as 2006-01-02
//	note       where the list was taken from and what it was compared with
//	prefixes   the networks, without bits outside their masks
//
// What it never does: no network, no clock, and no say in who is trusted. It believes
// no file more than a stranger's: everything is bounded and checked (I1).
//
// Invariants:
//
//	I1. No list holds a network that is private, reserved, or wider than /8 (IPv4) or
//	    /16 (IPv6), nor more than prefixesMax: a list that was tampered with must not
//	    make everybody trusted.
//	I2. A file in the directory counts only if it is newer than what is built in; one
//	    that cannot be used is reported, and the built-in list stays.
//	I3. Looking an address up allocates nothing and takes the logarithm of the number
//	    of networks.
//
// Start reading with Set and Load.
package cdn
