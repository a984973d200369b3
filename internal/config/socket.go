// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"path/filepath"
	"strings"
)

// AdminSockets lists where the admin side's socket lies if nothing is written, in
// the environment env. A gateway takes the first; who looks for a gateway tries
// all, since that may have been started in another environment.
func AdminSockets(env func(string) (string, bool)) []string {
	var dirs []string
	if list, ok := env("RUNTIME_DIRECTORY"); ok {
		// systemd.exec(5): several directories are separated by colons.
		if first, _, _ := strings.Cut(list, ":"); filepath.IsAbs(first) {
			dirs = append(dirs, first)
		}
	}
	if xdg, ok := env("XDG_RUNTIME_DIR"); ok && filepath.IsAbs(xdg) {
		dirs = append(dirs, filepath.Join(xdg, "causey"))
	}
	dirs = append(dirs, "/run/causey")
	for i, dir := range dirs {
		dirs[i] = filepath.Join(dir, "admin.sock")
	}
	return dirs
}
