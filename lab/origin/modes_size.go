// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

// sizeModes exceed what a gateway reserves for a head. Their defaults are above every common limit.
var sizeModes = []Mode{
	{Name: "head-large", Doc: "a head of at least so many bytes, in fields of 1 KB", Params: "bytes=262144 then=keep", run: func(x *exchange) End {
		x.send(okHead)
		x.repeat("X-Pad: "+digits(1000-len("X-Pad: \r\n"))+"\r\n", (x.params.num("bytes")+999)/1000)
		x.send(twoBytes + "\r\nok")
		return x.params.then()
	}},
	{Name: "fields-many", Doc: "n short fields", Params: "n=5000 then=keep", run: func(x *exchange) End {
		x.send(okHead)
		x.manyFields(x.params.num("n"))
		x.send(twoBytes + "\r\nok")
		return x.params.then()
	}},
	{Name: "field-large", Doc: "one field with a value of so many bytes", Params: "bytes=262144 then=keep", run: func(x *exchange) End {
		return x.padded(okHead+"X-Large: ", "\r\n"+twoBytes+"\r\nok")
	}},
	{Name: "name-large", Doc: "one field with a name of so many bytes", Params: "bytes=262144 then=keep", run: func(x *exchange) End {
		return x.padded(okHead+"X-", ": b\r\n"+twoBytes+"\r\nok")
	}},
	{Name: "reason-large", Doc: "a reason phrase of so many bytes", Params: "bytes=262144 then=keep", run: func(x *exchange) End {
		return x.padded("HTTP/1.1 200 ", afterStatus)
	}},
	{Name: "head-endless", Doc: "a head without end, up to so many fields", Params: "n=1073741824 then=fin", run: func(x *exchange) End {
		x.send(okHead)
		x.manyFields(x.params.num("n"))
		return x.params.then()
	}},
}

// padded sends "bytes" letters between two texts.
func (x *exchange) padded(before, after string) End {
	x.send(before)
	x.repeat("x", x.params.num("bytes"))
	x.send(after)
	return x.params.then()
}
