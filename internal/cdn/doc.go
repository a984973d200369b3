// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package cdn knows the networks of content delivery networks by name, so that an
// owner writes `cloudflare` where its two dozen networks would stand.
//
// What it is: Set, one named list with its source and the date it was taken; Load,
// which reads the lists that are built in and newer ones from a directory; Parse, for
// the forms that the publishers use; Table, which finds the set of an address.
//
// A list that is built in (sets/NAME.json) is a JSON object:
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
// Of one in the directory (networks-NAME.json) only name, retrieved and prefixes are
// read: who may write there does not thereby choose where updates come from.
//
// What it never does: no network, no clock, and no say in who is trusted. It believes
// no file more than a stranger's: everything is bounded and checked (I1).
//
// Invariants:
//
//	I1. No list holds a network that touches one of special use (private, reserved,
//	    documentation and so on), or that is wider than /8 (IPv4) or /24 (IPv6), nor
//	    more than prefixesMax, nor more addresses than one network as wide as that: a
//	    list that was tampered with must not make everybody trusted.
//	I2. A file in the directory counts only if it is not older than what is built in
//	    and not of a day to come; one that cannot be used is reported, and the
//	    built-in list stays.
//	I3. Looking an address up allocates nothing and takes the logarithm of the number
//	    of networks.
//
// Start reading with Set and Load.
package cdn
