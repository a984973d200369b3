// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"errors"
	"testing"
)

// I4
func TestMissingProgramIsNamed(t *testing.T) {
	_, err := recipe{name: "x", programs: []string{"no-such-program-of-the-lab"}, pkg: "some-package"}.start(t.Context())
	var missing ErrMissing
	if !errors.As(err, &missing) || missing != (ErrMissing{"no-such-program-of-the-lab", "some-package"}) {
		t.Errorf("err = %v", err)
	}
}
