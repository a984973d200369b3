// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// bridge passes what certmagic says to slog, as Debug: it tells every step and
// every try, and what the owner should know comes from this package, once.
type bridge struct {
	logger *slog.Logger
}

func zapTo(logger *slog.Logger) *zap.Logger {
	return zap.New(bridge{logger})
}

func (b bridge) Enabled(zapcore.Level) bool {
	return b.logger.Enabled(context.Background(), slog.LevelDebug)
}

func (b bridge) With(fields []zapcore.Field) zapcore.Core {
	return bridge{b.logger.With(plain(fields)...)}
}

func (b bridge) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if b.Enabled(e.Level) {
		return c.AddCore(e, b)
	}
	return c
}

func (b bridge) Write(e zapcore.Entry, fields []zapcore.Field) error {
	b.logger.Debug("certmagic: "+e.Message, plain(fields)...)
	return nil
}

func (b bridge) Sync() error { return nil }

func plain(fields []zapcore.Field) []any {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	args := make([]any, 0, 2*len(m.Fields))
	for name, value := range m.Fields {
		args = append(args, name, value)
	}
	return args
}
