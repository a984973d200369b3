// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"embed"
	"net/http"
)

// The page needs no build step and nothing from outside.
//
//go:embed page
var page embed.FS

// asset serves one file of the page.
func asset(name, contentType string) http.HandlerFunc {
	body, err := page.ReadFile("page/" + name)
	if err != nil {
		panic(err) // embedded
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, contentType, body)
	}
}
