// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/binary"
	"math"
	"strconv"
)

// The messages of grpc.health.v1 (github.com/grpc/grpc-proto, health.proto) and the
// frame around them (gRPC over HTTP/2, "Length-Prefixed-Message"):
//
//	message HealthCheckRequest  { string service = 1; }
//	message HealthCheckResponse { ServingStatus status = 1; }

// grpcPrefix is a byte that tells of compression, and a length.
const grpcPrefix = 5

// The wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// health is the ServingStatus.
type health uint64

// The states of a service.
const (
	healthUnknown health = iota
	healthServing
	healthNotServing
	healthServiceUnknown
)

var healthNames = [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}

func (h health) String() string {
	if h < health(len(healthNames)) {
		return healthNames[h]
	}
	return "the status " + strconv.FormatUint(uint64(h), 10)
}

// appendHealthRequest appends the request about service, in its frame.
func appendHealthRequest(dst []byte, service string) []byte {
	var message []byte
	if service != "" { // proto3 leaves out what is empty
		message = binary.AppendUvarint([]byte{1<<3 | wireBytes}, uint64(len(service)))
		message = append(message, service...)
	}
	dst = binary.BigEndian.AppendUint32(append(dst, 0), uint32(len(message)))
	return append(dst, message...)
}

// parseHealthAnswer reads a frame that holds one HealthCheckResponse and nothing
// else. It is strict: no compression, since none was offered, and every field whole.
// Fields that later versions add are passed over, as protobuf wants.
func parseHealthAnswer(b []byte) (h health, ok bool) {
	if len(b) < grpcPrefix || b[0] != 0 || uint64(binary.BigEndian.Uint32(b[1:])) != uint64(len(b)-grpcPrefix) {
		return 0, false
	}
	for b = b[grpcPrefix:]; len(b) > 0; {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag > math.MaxUint32 {
			return 0, false
		}
		b = b[n:]
		value, size := fieldValue(b, tag&7)
		if size < 0 {
			return 0, false
		}
		if b = b[size:]; tag>>3 != 1 {
			continue
		}
		if tag&7 != wireVarint {
			return 0, false
		}
		h = health(value) // of several the last one counts
	}
	return h, true
}

// fieldValue measures a field's value, and reads it if it is a varint. size is -1 if
// it is not whole, or of a type that nobody writes (groups).
func fieldValue(b []byte, wireType uint64) (value uint64, size int) {
	switch wireType {
	case wireVarint:
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, -1
		}
		return v, n
	case wireFixed64:
		size = 8
	case wireFixed32:
		size = 4
	case wireBytes:
		v, n := binary.Uvarint(b)
		if n <= 0 || v > uint64(len(b)-n) {
			return 0, -1
		}
		return 0, n + int(v)
	default:
		return 0, -1
	}
	if len(b) < size {
		return 0, -1
	}
	return 0, size
}
