// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

// refusedByNetHTTP says why net/http refuses a request that this codec forwards,
// or "" if there is no known reason.
func refusedByNetHTTP(f forwarded, err error) string { return "" }
