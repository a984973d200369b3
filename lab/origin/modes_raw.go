// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// rawModes reach whatever no table foresaw.
var rawModes = []Mode{
	{Name: "raw", Doc: "exactly the bytes given as hex or as b64 (either alphabet), split into writes of so many bytes (0: one)",
		Params: "hex= b64= split=0 every=5ms then=fin", run: raw},
}

func raw(x *exchange) End {
	out, err := rawBytes(x.params.text("hex"), x.params.text("b64"))
	if err != nil {
		return x.reject(err.Error())
	}
	step := int(x.params.num("split"))
	if step == 0 {
		x.c.write(out)
		return x.params.then()
	}
	for at := 0; at < len(out); at += step {
		x.c.write(out[at:min(at+step, len(out))])
		if x.c.broken || !x.c.sleep(x.params.dur("every")) {
			return Close
		}
	}
	return x.params.then()
}

// rawBytes decodes hex, or base64 of either alphabet with or without padding; a space is a plus sign that the query
// string has eaten.
func rawBytes(asHex, asBase64 string) ([]byte, error) {
	if asHex != "" {
		return hex.DecodeString(asHex)
	}
	plain := strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(asBase64, "="))
	return base64.RawStdEncoding.DecodeString(plain)
}
