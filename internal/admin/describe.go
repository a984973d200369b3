// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import "causey/internal/failure"

// RegistryEntry is one code with its texts, as /api/v1/registry shows it.
type RegistryEntry = registryEntry

// Describe returns what /api/v1/registry says of e.
func Describe(e *failure.Entry) RegistryEntry { return newRegistryEntry(e) }
